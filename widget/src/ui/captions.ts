/** The lines of a call. Whole lines are read aloud once; what may still change is only seen. */
import type { Caption, Captions, Change } from "../captions.js";
import type { Language, TextName } from "../text/index.js";
import { el, set, write } from "./dom.js";

const SPEAKERS: readonly ("caller" | "bot" | "agent")[] = ["caller", "bot", "agent"];
const NAMES = { caller: "you", bot: "bot", agent: "agent" } as const;
/** Closer to the end than this the newest line is kept in sight, CSS pixels. */
const NEAR_END = 48;

export class CaptionsView {
  private readonly log = el("div", { class: "log", role: "log", "aria-live": "polite", "aria-relevant": "additions" });
  private readonly partials = el("div", { class: "log", "aria-hidden": "true" });
  readonly element = el("div", { class: "captions", part: "captions", tabindex: "0" }, this.log, this.partials);
  private readonly shown = new Map<string, HTMLElement>();

  constructor(
    private readonly captions: Captions,
    private language: Language,
  ) {}

  /** In another language; what was said stays as it was said. */
  setLanguage(language: Language): void {
    this.language = language;
    set(this.element, { role: "region", "aria-label": language.text("captions") });
  }

  change(change: Change): void {
    const { scrollHeight, scrollTop, clientHeight } = this.element;
    const follows = scrollHeight - scrollTop - clientHeight < NEAR_END;
    switch (change.kind) {
      case "added":
        this.add(change.caption);
        break;
      case "replaced": {
        const shown = this.shown.get(change.caption.key);
        if (shown !== undefined) this.fill(shown, change.caption);
        break;
      }
      case "partial":
      case "nothing":
        break;
    }
    this.drop();
    this.showPartials();
    if (follows) this.element.scrollTop = this.element.scrollHeight;
  }

  private add(caption: Caption): void {
    const line = el("p", {});
    this.fill(line, caption);
    this.shown.set(caption.key, line);
    this.log.append(line);
  }

  private fill(line: HTMLElement, caption: Caption): void {
    const { speaker, interrupted } = caption;
    set(line, { class: `line ${speaker}${interrupted ? " interrupted" : ""}`, part: `line ${speaker}` });
    if (speaker === "note") return write(line, this.language.text(caption.text as TextName));
    const who = el("span", { class: "who" }, `${this.language.text(NAMES[speaker])}: `);
    // What was said is in a language and a direction of its own.
    line.replaceChildren(who, el("span", { class: "said", dir: "auto" }, caption.text));
  }

  /** Lines that are not kept any more. */
  private drop(): void {
    const kept = new Set(this.captions.lines.map((line) => line.key));
    for (const [key, line] of this.shown) {
      if (kept.has(key)) continue;
      line.remove();
      this.shown.delete(key);
    }
  }

  private showPartials(): void {
    const lines = SPEAKERS.filter((speaker) => this.captions.partial.has(speaker)).map((speaker) => {
      const text = this.captions.partial.get(speaker) ?? "";
      return el("p", { class: `line partial ${speaker}`, part: `line partial ${speaker}`, dir: "auto" }, text);
    });
    this.partials.replaceChildren(...lines);
  }
}
