/** All that a visitor sees of a widget. */
import { type Call, MAX_TEXT } from "../call.js";
import type { Change } from "../captions.js";
import type { Tell } from "../events.js";
import type { Settings } from "../settings.js";
import { isBusy } from "../state.js";
import type { Language, TextName } from "../text/index.js";
import { CaptionsView } from "./captions.js";
import { el, icon, set, write } from "./dom.js";
import { Orb } from "./orb.js";
import { button, DeviceChoice, Feedback, iconButton, name, Terms } from "./parts.js";

/** What the panel asks of the element. */
export interface Actions {
  start(modality: "voice" | "text"): void;
  openPanel(): void;
  closePanel(): void;
  acceptTerms(): void;
  declineTerms(): void;
}

/** What the element knows beside the call. */
export interface Shown {
  settings: Settings;
  language: Language;
  isOpen: boolean;
  asksForTerms: boolean;
  isDark: boolean;
}

export class Panel {
  private readonly launcherText = el("span", { part: "launcher-text" });
  private readonly launcher: HTMLButtonElement;
  private readonly title = el("h2", { id: "title", part: "title" });
  private readonly close: HTMLButtonElement;
  private readonly orb: Orb;
  private readonly status = el("p", { class: "status", part: "status", role: "status" });
  private readonly error = el("p", { class: "error", part: "error", role: "alert" });
  private readonly captions: CaptionsView;
  private readonly terms: Terms;
  private readonly feedback: Feedback;
  private readonly start: HTMLButtonElement;
  private readonly startText: HTMLButtonElement;
  private readonly mute: HTMLButtonElement;
  private readonly devices: HTMLButtonElement;
  private readonly hangUp: HTMLButtonElement;
  private readonly choice: DeviceChoice;
  private readonly input = el("input", { class: "field", part: "input", maxlength: String(MAX_TEXT), autocomplete: "off" });
  private readonly send = el("button", { type: "submit", class: "button icon-only", part: "button send" }, icon("send"));
  private readonly composer = el("form", { class: "composer", part: "composer" }, this.input, this.send);
  private readonly panel: HTMLElement;
  readonly element: HTMLElement;
  private showsDevices = false;
  private callShown = "";

  constructor(
    private readonly call: Call,
    actions: Actions,
    private readonly tell: Tell,
    private shown: Shown,
  ) {
    this.launcher = el("button", { type: "button", class: "launcher", part: "launcher", "aria-controls": "panel" });
    this.launcher.append(icon("phone"), this.launcherText);
    this.launcher.addEventListener("click", () => (this.shown.isOpen ? actions.closePanel() : actions.openPanel()));
    this.close = iconButton("close", "close", () => actions.closePanel());
    this.orb = new Orb(call);
    this.captions = new CaptionsView(call.captions, shown.language);
    this.terms = new Terms({ accept: actions.acceptTerms, decline: actions.declineTerms });
    this.feedback = new Feedback((rating, comment) => call.rate(rating, comment));
    this.start = button("start", "primary", () => actions.start("voice"));
    this.startText = button("start-text", "", () => actions.start("text"));
    this.mute = iconButton("mute", "mic", () => call.mute(!call.isMuted));
    this.devices = iconButton("settings", "sound", () => this.toggleDevices());
    set(this.devices, { "aria-controls": "devices" });
    this.hangUp = button("hang-up", "danger", () => call.hangUp());
    this.choice = new DeviceChoice({
      microphone: (id) => this.use(call.useMicrophone(id)),
      speaker: (id) => this.use(call.useSpeaker(id)),
    });
    this.composer.addEventListener("submit", (event) => {
      event.preventDefault();
      if (call.sendText(this.input.value)) this.input.value = "";
    });
    const header = el("div", { class: "header", part: "header" }, this.title, this.close);
    const start = el("div", { class: "row", part: "start-controls" }, this.start, this.startText);
    const during = el("div", { class: "row", part: "controls" }, this.mute, this.devices, this.hangUp);
    this.panel = el("section", { class: "panel", part: "panel", id: "panel", "aria-labelledby": "title" });
    this.panel.append(header, this.orb.element, this.status, this.error, this.captions.element);
    this.panel.append(this.terms.element, this.feedback.element, start, this.composer, during, this.choice.element);
    this.panel.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || this.shown.settings.mode !== "floating") return;
      event.stopPropagation();
      actions.closePanel();
    });
    this.element = el("div", { class: "root", part: "root" }, this.panel, this.launcher);
    navigator.mediaDevices?.addEventListener?.("devicechange", this.onDeviceChange);
  }

  /** Nothing of this panel is shown any more. */
  dispose(): void {
    this.orb.stop();
    navigator.mediaDevices?.removeEventListener?.("devicechange", this.onDeviceChange);
  }

  captionsChanged(change: Change): void {
    this.captions.change(change);
    this.captions.element.hidden = !this.showsCaptions();
  }

  /** Put the focus where a visitor goes on. */
  focus(): void {
    this.primary()?.focus();
  }

  focusLauncher(): void {
    this.launcher.focus();
  }

  /** Show what is so now. */
  update(shown: Shown): void {
    this.shown = shown;
    const { settings, language, isOpen } = shown;
    const root = this.element.getRootNode();
    const focused = root instanceof ShadowRoot ? root.activeElement : null;
    const isFloating = settings.mode === "floating";
    set(this.element, {
      "data-mode": settings.mode,
      "data-position": settings.position,
    });
    // The corner that it stands in is the page's choice, not the language's.
    for (const part of [this.panel, this.launcher]) set(part, { dir: language.direction, lang: language.tag });
    this.element.classList.toggle("dark", shown.isDark);
    set(this.panel, { role: isFloating ? "dialog" : "region" });
    this.panel.hidden = isFloating && !isOpen;
    this.launcher.hidden = !isFloating;
    set(this.launcher, { "aria-expanded": String(isOpen) });
    this.close.hidden = !isFloating;
    this.captions.setLanguage(language);
    this.writeTexts();
    this.showState();
    this.orb.update();
    // A button that went away takes the focus with it: it goes to what is in its place.
    const isGone = focused instanceof HTMLElement && this.panel.contains(focused) && !focused.checkVisibility();
    if (isGone && !this.panel.hidden) this.focus();
  }

  private primary(): HTMLElement | undefined {
    const order = [this.terms.accept, this.start, this.startText, this.composerField(), this.hangUp, this.close];
    return order.find((element) => element.checkVisibility());
  }

  /** Who types goes on typing. */
  private composerField(): HTMLElement {
    return this.call.modality === "text" ? this.input : this.hangUp;
  }

  private writeTexts(): void {
    const { language, settings } = this.shown;
    const text = (n: TextName): string => language.text(n);
    write(this.launcherText, text("launcher"));
    write(this.title, text("title"));
    name(this.close, text("close"));
    name(this.send, text("send"));
    name(this.devices, text("devices"));
    write(this.hangUp, text("hang_up"));
    write(this.startText, text("start_text"));
    set(this.input, { placeholder: text("input"), "aria-label": text("input") });
    this.terms.update(language, settings.terms, settings.termsUrl);
    this.feedback.update(language);
  }

  private showState(): void {
    const { call, shown } = this;
    const { settings, language, asksForTerms } = shown;
    const { state } = call;
    const text = (n: TextName): string => language.text(n);
    const [busy, live] = [isBusy(state), state === "live"];
    const [voice, typing] = [settings.modalities.includes("voice"), settings.modalities.includes("text")];
    if (call.sessionId !== this.callShown) {
      this.callShown = call.sessionId;
      this.feedback.reset();
    }
    this.terms.element.hidden = !asksForTerms || busy;
    this.start.hidden = busy || asksForTerms || !voice;
    this.startText.hidden = busy || asksForTerms || !typing;
    const isOver = state === "ended" || state === "failed";
    write(this.start, text(state === "ended" ? "again" : state === "failed" ? "retry" : "start"));
    this.hangUp.hidden = !busy;
    const hearsVisitor = busy && call.modality === "voice";
    this.mute.hidden = !hearsVisitor;
    this.mute.replaceChildren(icon(call.isMuted ? "mic_off" : "mic"));
    name(this.mute, text(call.isMuted ? "unmute" : "mute"));
    set(this.mute, { "aria-pressed": String(call.isMuted) });
    this.devices.hidden = !hearsVisitor || !settings.devices;
    this.showDevices(this.showsDevices && !this.devices.hidden);
    this.composer.hidden = !live || !typing;
    this.orb.element.hidden = asksForTerms;
    this.captions.element.hidden = !this.showsCaptions();
    this.feedback.element.hidden = !(isOver && settings.feedback && call.sessionId !== "");
    const error = call.error === undefined ? "" : text(`error_${call.error.code}`);
    this.error.hidden = error === "";
    write(this.error, error);
    write(this.status, this.statusText());
  }

  private showsCaptions(): boolean {
    const { lines, partial } = this.call.captions;
    return this.shown.settings.captions && (lines.length > 0 || partial.size > 0);
  }

  private statusText(): string {
    const text = (n: TextName): string => this.shown.language.text(n);
    switch (this.call.state) {
      case "permission":
        return this.call.modality === "voice" ? text("permission") : text("connecting");
      case "connecting":
        return text("connecting");
      case "reconnecting":
        return text("reconnecting");
      case "live":
        if (this.call.isMuted) return text("muted");
        return text(this.call.botSpeaks ? "speaking" : "listening");
      case "ended":
        return text("ended");
      case "idle":
      case "failed":
        return "";
    }
  }

  private readonly onDeviceChange = (): void => {
    if (this.showsDevices) this.listDevices();
  };

  private toggleDevices(): void {
    this.showsDevices = !this.showsDevices;
    this.showDevices(this.showsDevices);
    if (this.showsDevices) this.listDevices();
  }

  private showDevices(shows: boolean): void {
    this.choice.element.hidden = !shows;
    set(this.devices, { "aria-expanded": String(shows) });
  }

  private listDevices(): void {
    const chosen = { microphone: this.call.microphoneId, speaker: this.call.speakerId };
    void this.choice.update(this.shown.language, chosen);
  }

  /** A device that does not work is told; the one before stays. */
  private use(done: Promise<void>): void {
    done.catch((thrown: unknown) => {
      const detail = thrown instanceof Error ? thrown.message : String(thrown);
      this.tell("vox-error", { code: "mic_failed", detail });
      write(this.error, this.shown.language.text("error_mic_failed"));
      this.error.hidden = false;
      this.listDevices();
    });
  }
}
