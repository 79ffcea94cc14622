/** The smaller parts of the panel, each with what it does. */
import { type Device, type Devices, listDevices } from "../audio/microphone.js";
import type { Language, TextName } from "../text/index.js";
import { el, type IconName, icon, write } from "./dom.js";

/** A button with words. */
export function button(part: string, kind: string, onClick: () => void): HTMLButtonElement {
  const made = el("button", { type: "button", class: `button ${kind}`, part: `button ${part}` });
  made.addEventListener("click", onClick);
  return made;
}

/** A button with a picture; its name is set by `name`. */
export function iconButton(part: string, picture: IconName, onClick: () => void): HTMLButtonElement {
  const made = button(part, "icon-only", onClick);
  made.append(icon(picture));
  return made;
}

/** Name a button that shows a picture. */
export function name(element: Element, text: string): void {
  element.setAttribute("aria-label", text);
  element.setAttribute("title", text);
}

/** What the visitor agrees to before the first call. */
export class Terms {
  private readonly heading = el("h3", {});
  private readonly text = el("p", { part: "terms-text" });
  private readonly link = el("a", { part: "terms-link", target: "_blank", rel: "noopener noreferrer" });
  readonly accept: HTMLButtonElement;
  private readonly decline: HTMLButtonElement;
  readonly element: HTMLElement;

  constructor(on: { accept(): void; decline(): void }) {
    this.accept = button("accept", "primary", on.accept);
    this.decline = button("decline", "", on.decline);
    const row = el("div", { class: "row" }, this.accept, this.decline);
    this.element = el("div", { class: "stack", part: "terms" }, this.heading, this.text, this.link, row);
  }

  update(language: Language, terms: string, url: string): void {
    write(this.heading, language.text("terms"));
    write(this.text, terms);
    write(this.link, language.text("terms_link"));
    write(this.accept, language.text("accept"));
    write(this.decline, language.text("decline"));
    this.link.hidden = url === "";
    if (url !== "") this.link.href = url;
  }
}

export type Rating = "good" | "bad";

/** What the visitor thought of the call. */
export class Feedback {
  private readonly heading = el("h3", {});
  private readonly good: HTMLButtonElement;
  private readonly bad: HTMLButtonElement;
  private readonly comment = el("textarea", { class: "field", part: "feedback-comment", rows: "2", maxlength: "1000" });
  private readonly commentName = el("span", {});
  private readonly send: HTMLButtonElement;
  private readonly thanks = el("p", { role: "status", tabindex: "-1" });
  private readonly form: HTMLElement;
  private rating: Rating | undefined;
  private language: Language | undefined;
  readonly element: HTMLElement;

  constructor(onSend: (rating: Rating, comment: string) => void) {
    this.good = button("feedback-good", "", () => this.rate("good"));
    this.bad = button("feedback-bad", "", () => this.rate("bad"));
    this.send = button("feedback-send", "primary", () => {
      if (this.rating === undefined) return;
      onSend(this.rating, this.comment.value.trim());
      this.form.hidden = true;
      write(this.thanks, this.language?.text("feedback_thanks") ?? "");
      this.thanks.focus();
    });
    const label = el("label", {}, this.commentName, this.comment);
    const row = el("div", { class: "row" }, this.good, this.bad);
    this.form = el("div", { class: "stack" }, this.heading, row, label, this.send);
    this.element = el("div", { part: "feedback" }, this.form, this.thanks);
    this.reset();
  }

  /** For another call. */
  reset(): void {
    this.rating = undefined;
    this.comment.value = "";
    this.form.hidden = false;
    write(this.thanks, "");
    this.show();
  }

  update(language: Language): void {
    this.language = language;
    write(this.heading, language.text("feedback"));
    write(this.good, language.text("feedback_good"));
    write(this.bad, language.text("feedback_bad"));
    write(this.commentName, language.text("feedback_comment"));
    write(this.send, language.text("feedback_send"));
  }

  private rate(rating: Rating): void {
    this.rating = rating;
    this.show();
  }

  private show(): void {
    this.good.setAttribute("aria-pressed", String(this.rating === "good"));
    this.bad.setAttribute("aria-pressed", String(this.rating === "bad"));
    this.send.hidden = this.rating === undefined;
    this.commentName.parentElement?.toggleAttribute("hidden", this.rating === undefined);
  }
}

/** Which microphone and which speaker. */
export class DeviceChoice {
  private readonly microphone = el("select", { class: "field", part: "microphone" });
  private readonly speaker = el("select", { class: "field", part: "speaker" });
  private readonly microphoneName = el("span", {});
  private readonly speakerName = el("span", {});
  private readonly speakerLabel = el("label", {}, this.speakerName, this.speaker);
  readonly element = el(
    "div",
    { class: "stack", part: "devices", id: "devices" },
    el("label", {}, this.microphoneName, this.microphone),
    this.speakerLabel,
  );

  constructor(on: { microphone(id: string): void; speaker(id: string): void }) {
    this.microphone.addEventListener("change", () => on.microphone(this.microphone.value));
    this.speaker.addEventListener("change", () => on.speaker(this.speaker.value));
  }

  async update(language: Language, chosen: { microphone: string; speaker: string }): Promise<void> {
    write(this.microphoneName, language.text("microphone"));
    write(this.speakerName, language.text("speaker"));
    const devices: Devices = await listDevices();
    fill(this.microphone, devices.microphones, chosen.microphone, language);
    fill(this.speaker, devices.speakers, chosen.speaker, language);
    this.speakerLabel.hidden = devices.speakers.length === 0;
  }
}

function fill(select: HTMLSelectElement, devices: Device[], chosen: string, language: Language): void {
  const text = (n: TextName): string => language.text(n);
  const own = devices.filter((device) => device.id !== "default");
  const options = own.map((device, at) => {
    const label = device.label === "" ? text("device").replace("{n}", String(at + 1)) : device.label;
    return el("option", { value: device.id }, label);
  });
  select.replaceChildren(el("option", { value: "" }, text("system_default")), ...options);
  select.value = own.some((device) => device.id === chosen) ? chosen : "";
}
