/** What a page says about its widget, from attributes. Pure. */

export type Mode = "floating" | "inline" | "headless";
export type Position = "bottom-right" | "bottom-left";
export type Theme = "auto" | "light" | "dark";
export type Transport = "auto" | "talk" | "livekit";
export type Modality = "voice" | "text";

export interface Settings {
  bot: string;
  /** The bot's widget key. Empty with a token address of the page's own. */
  key: string;
  /** The bridge, without a path. */
  server: string;
  /** Where the way to the bot is asked for instead: a server of the page's own. */
  tokenUrl: string;
  mode: Mode;
  position: Position;
  theme: Theme;
  transport: Transport;
  modalities: Modality[];
  captions: boolean;
  feedback: boolean;
  devices: boolean;
  /** What the visitor must agree to before the first call; empty asks for nothing. */
  terms: string;
  termsUrl: string;
  /** What the page calls these terms, for the call's record. */
  termsVersion: string;
  lang: string;
  variables: unknown;
  strings: Record<string, string>;
}

/** Attributes that the widget looks at. */
export const ATTRIBUTES = [
  "bot",
  "api-key",
  "server",
  "token-url",
  "mode",
  "position",
  "theme",
  "transport",
  "modalities",
  "captions",
  "feedback",
  "devices",
  "terms",
  "terms-url",
  "terms-version",
  "lang",
  "variables",
  "strings",
] as const;

export type Attribute = (typeof ATTRIBUTES)[number];
export type ReadAttribute = (name: Attribute) => string | null;

/** Where the script came from, and where relative addresses of the page begin. */
export interface Place {
  origin: string;
  base: string;
}

/** Settings, and what is wrong with them in words for the page's developer. */
export function readSettings(read: ReadAttribute, { origin, base }: Place): { settings: Settings; faults: string[] } {
  const faults: string[] = [];
  const text = (name: Attribute): string => (read(name) ?? "").trim();
  const one = <T extends string>(name: Attribute, of: readonly [T, ...T[]]): T => {
    const given = text(name);
    const found = of.find((word) => word === given);
    if (given !== "" && found === undefined) faults.push(`${name}="${given}": one of ${of.join(", ")}`);
    return found ?? of[0];
  };
  const on = (name: Attribute): boolean => one(name, ["on", "off"]) === "on";
  const json = (name: Attribute): unknown => {
    const given = text(name);
    if (given === "") return undefined;
    try {
      return JSON.parse(given) as unknown;
    } catch {
      faults.push(`${name}: is no JSON`);
      return undefined;
    }
  };
  const address = (name: Attribute): string => {
    const given = text(name);
    if (given === "") return "";
    try {
      const url = new URL(given, base);
      if (url.protocol === "https:" || url.protocol === "http:") return url.href;
    } catch {
      // Told below.
    }
    faults.push(`${name}="${given}": is no http:// or https:// address`);
    return "";
  };
  const bot = text("bot");
  const key = text("api-key");
  const tokenUrl = address("token-url");
  if (bot === "") faults.push("bot: is missing");
  if (key === "" && tokenUrl === "") faults.push("api-key: is missing (or give a token-url of your own)");
  const server = address("server");
  const settings: Settings = {
    bot,
    key,
    server: server === "" ? origin : new URL(server).origin,
    tokenUrl,
    mode: one("mode", ["floating", "inline", "headless"]),
    position: one("position", ["bottom-right", "bottom-left"]),
    theme: one("theme", ["auto", "light", "dark"]),
    transport: one("transport", ["auto", "talk", "livekit"]),
    modalities: modalities(text("modalities"), faults),
    captions: on("captions"),
    feedback: on("feedback"),
    devices: on("devices"),
    terms: text("terms"),
    termsUrl: address("terms-url"),
    termsVersion: text("terms-version"),
    lang: text("lang"),
    variables: json("variables"),
    strings: texts(json("strings"), faults),
  };
  return { settings, faults };
}

function modalities(given: string, faults: string[]): Modality[] {
  const words = given === "" ? ["voice", "text"] : given.split(/[\s,]+/).filter((word) => word !== "");
  const known = words.filter((word): word is Modality => word === "voice" || word === "text");
  if (known.length !== words.length) faults.push(`modalities="${given}": voice, text, or both`);
  return known.length === 0 ? ["voice", "text"] : known;
}

function texts(given: unknown, faults: string[]): Record<string, string> {
  if (given === undefined) return {};
  const isObject = typeof given === "object" && given !== null && !Array.isArray(given);
  const entries = isObject ? Object.entries(given) : [];
  const good = entries.filter((entry): entry is [string, string] => typeof entry[1] === "string");
  if (!isObject || good.length !== entries.length) faults.push("strings: must be an object of texts");
  return Object.fromEntries(good);
}
