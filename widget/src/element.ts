/** `<vox-widget>`: the element that a page has. */
import { Call } from "./call.js";
import type { CallError } from "./errors.js";
import type { VoxEventName, VoxEvents } from "./events.js";
import { ATTRIBUTES, type Modality, readSettings, type Settings } from "./settings.js";
import type { CallState } from "./state.js";
import { recall, remember } from "./terms.js";
import { chooseLanguage, type Language, unknownTexts } from "./text/index.js";
import { Panel, type Shown } from "./ui/panel.js";
import { styles } from "./ui/styles.js";

export const VERSION = "1.0.0";
/** Where this script came from is where the bridge is, unless the page says otherwise. */
const ORIGIN = new URL(import.meta.url).origin;

export class VoxWidget extends HTMLElement {
  static readonly observedAttributes: readonly string[] = ATTRIBUTES;

  private readonly call: Call;
  private panel: Panel | undefined;
  private isOpen = false;
  private ownVariables: unknown;
  private ownStrings: Record<string, string> | undefined;
  private hasAccepted = false;
  private told = "";
  private readonly darkness = window.matchMedia("(prefers-color-scheme: dark)");

  constructor() {
    super();
    this.call = new Call(
      () => this.settings,
      () => this.hasAccepted,
      (name, detail) => this.tell(name, detail),
      {
        stateChanged: () => this.update(),
        captionsChanged: (change) => this.panel?.captionsChanged(change),
      },
    );
  }

  /** Where the call is. */
  get state(): CallState {
    return this.call.state;
  }

  /** Why the last call failed. */
  get error(): CallError | undefined {
    return this.call.error;
  }

  /** Of the call that runs, or of the last one. */
  get sessionId(): string {
    return this.call.sessionId;
  }

  get muted(): boolean {
    return this.call.isMuted;
  }

  set muted(muted: boolean) {
    this.call.mute(muted);
  }

  /** Values for the bot; they count before the attribute. */
  get variables(): unknown {
    return this.ownVariables;
  }

  set variables(variables: unknown) {
    this.ownVariables = variables;
  }

  /** Texts of the page's own; they count before the attribute. */
  get strings(): Record<string, string> | undefined {
    return this.ownStrings;
  }

  set strings(strings: Record<string, string> | undefined) {
    this.ownStrings = strings;
    this.update();
  }

  /** Show the panel of a floating widget. */
  open(): void {
    if (this.isOpen) return;
    this.isOpen = true;
    this.update();
    this.panel?.focus();
    this.tell("vox-open", {});
  }

  /** Hide it; a call goes on. */
  close(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.update();
    this.panel?.focusLauncher();
    this.tell("vox-close", {});
  }

  /** Begin a call, in a click or a key press. Where terms are asked for, they must have been accepted. */
  async start(modality: Modality = "voice"): Promise<void> {
    const { settings, faults } = this.read();
    this.complain(faults);
    if (settings.mode === "floating") this.open();
    if (this.asksForTerms(settings)) return this.update();
    await this.call.start(modality);
  }

  hangUp(): void {
    this.call.hangUp();
  }

  /** Send a message to the bot. False when no call takes it. */
  sendText(text: string): boolean {
    return this.call.sendText(text);
  }

  /** Press a key of a telephone: 0 to 9, *, #, A to D. */
  sendKey(key: string): boolean {
    return this.call.sendKey(key);
  }

  useMicrophone(id: string): Promise<void> {
    return this.call.useMicrophone(id);
  }

  useSpeaker(id: string): Promise<void> {
    return this.call.useSpeaker(id);
  }

  /** How loud the visitor (`in`) or the bot (`out`) is now, 0 to 1. */
  level(of: "in" | "out"): number {
    return this.call.level(of);
  }

  /** The visitor has agreed to the terms, by means of the page's own. */
  acceptTerms(): void {
    const { settings } = this;
    remember(settings);
    this.hasAccepted = true;
    this.tell("vox-terms", { accepted: true });
    this.update();
  }

  connectedCallback(): void {
    // What a page has set before this script came is on the element itself, and hides what reads it.
    for (const name of ["variables", "strings"] as const) {
      if (!Object.hasOwn(this, name)) continue;
      const value = this[name];
      Reflect.deleteProperty(this, name);
      Object.assign(this, { [name]: value });
    }
    const { settings, faults } = this.read();
    this.complain(faults);
    this.hasAccepted = recall(settings);
    if (settings.mode !== "headless" && this.panel === undefined) this.build(settings);
    this.darkness.addEventListener("change", this.update);
    this.update();
    this.tell("vox-ready", { version: VERSION });
  }

  disconnectedCallback(): void {
    this.call.dispose();
    this.darkness.removeEventListener("change", this.update);
    this.panel?.dispose();
    this.panel?.element.remove();
    this.panel = undefined;
  }

  attributeChangedCallback(): void {
    if (this.isConnected) this.update();
  }

  private get settings(): Settings {
    return this.read().settings;
  }

  private read(): { settings: Settings; faults: string[] } {
    const { settings, faults } = readSettings((name) => this.getAttribute(name), {
      origin: ORIGIN,
      base: document.baseURI,
    });
    if (this.ownVariables !== undefined) settings.variables = this.ownVariables;
    if (this.ownStrings !== undefined) settings.strings = { ...settings.strings, ...this.ownStrings };
    faults.push(...unknownTexts(settings.strings).map((name) => `strings: there is no text "${name}"`));
    return { settings, faults };
  }

  private build(settings: Settings): void {
    const root = this.shadowRoot ?? this.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [styles()];
    const actions = {
      start: (modality: Modality) => void this.start(modality),
      openPanel: () => this.open(),
      closePanel: () => this.close(),
      acceptTerms: () => {
        this.acceptTerms();
        void this.start(settings.modalities[0]);
      },
      declineTerms: () => {
        this.tell("vox-terms", { accepted: false });
        this.close();
      },
    };
    this.panel = new Panel(this.call, actions, (name, detail) => this.tell(name, detail), this.shown(settings));
    root.append(this.panel.element);
  }

  private readonly update = (): void => {
    if (this.panel === undefined) return;
    this.panel.update(this.shown(this.settings));
  };

  private shown(settings: Settings): Shown {
    return {
      settings,
      language: this.language(settings),
      isOpen: this.isOpen,
      asksForTerms: this.asksForTerms(settings),
      isDark: settings.theme === "dark" || (settings.theme === "auto" && this.darkness.matches),
    };
  }

  private language(settings: Settings): Language {
    const wishes = [settings.lang, document.documentElement.lang, ...navigator.languages];
    return chooseLanguage(
      wishes.filter((wish) => wish !== ""),
      settings.strings,
    );
  }

  private asksForTerms(settings: Settings): boolean {
    return settings.terms !== "" && !this.hasAccepted;
  }

  /** For the page's developer, once. */
  private complain(faults: string[]): void {
    const text = faults.join("; ");
    if (text === "" || text === this.told) return;
    this.told = text;
    console.warn(`vox-widget: ${text}`);
  }

  private tell<N extends VoxEventName>(name: N, detail: VoxEvents[N]): void {
    this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true }));
  }
}
