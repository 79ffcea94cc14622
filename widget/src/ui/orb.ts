/** A ball that grows with the voice: the bot's while it speaks, else the visitor's. */
import type { Call } from "../call.js";
import { el, set } from "./dom.js";

/** How fast it falls behind a sound, for each picture. */
const FALL = 0.85;

export class Orb {
  readonly element = el("div", { class: "orb", part: "orb", "aria-hidden": "true" });
  private frame = 0;
  private shown = 0;

  constructor(private readonly call: Call) {}

  /** Move while there is a call, and only then. */
  update(): void {
    set(this.element, { "data-state": this.call.state, "data-who": this.call.botSpeaks ? "bot" : "caller" });
    if (this.call.state === "live") {
      if (this.frame === 0) this.frame = requestAnimationFrame(this.draw);
    } else {
      this.stop();
    }
  }

  stop(): void {
    cancelAnimationFrame(this.frame);
    this.frame = 0;
    this.show(0);
  }

  private readonly draw = (): void => {
    const level = this.call.level(this.call.botSpeaks ? "out" : "in");
    this.show(Math.max(level, this.shown * FALL));
    this.frame = requestAnimationFrame(this.draw);
  };

  private show(level: number): void {
    this.shown = level;
    this.element.style.setProperty("--_level", level.toFixed(3));
    // For those who want no motion: a ring, or none.
    this.element.style.setProperty("--_active", level > 0.25 ? "1" : "0");
  }
}
