/** The widget's texts, in the visitor's language. Pure. */
import { ar } from "./ar.js";
import { de } from "./de.js";
import { en, type TextName, type Texts } from "./en.js";
import { es } from "./es.js";
import { fr } from "./fr.js";
import { hi } from "./hi.js";

export const LANGUAGES: Readonly<Record<string, Texts>> = { en, ar, de, es, fr, hi };

/** Languages that are written from right to left. */
const RIGHT_TO_LEFT = ["ar"];

export interface Language {
  /** As `lang` of an element. */
  tag: string;
  direction: "ltr" | "rtl";
  text(name: TextName): string;
}

/** The first of the wished languages that is known; English when none is. The page's own texts count before all. */
export function chooseLanguage(wishes: readonly string[], own: Readonly<Record<string, string>>): Language {
  const known = wishes.map((wish) => wish.toLowerCase().split("-")[0] ?? "").find((tag) => tag in LANGUAGES);
  const tag = known ?? "en";
  const texts: Texts = LANGUAGES[tag] ?? en;
  return {
    tag,
    direction: RIGHT_TO_LEFT.includes(tag) ? "rtl" : "ltr",
    text: (name) => own[name] ?? texts[name],
  };
}

/** Names in `own` that no text has. */
export function unknownTexts(own: Readonly<Record<string, string>>): string[] {
  return Object.keys(own).filter((name) => !(name in en));
}

export type { TextName };
