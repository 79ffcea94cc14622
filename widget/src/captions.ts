/** What was said so far, as it is shown. Pure. */
import type { Transcript } from "./lines/line.js";

/** Lines kept; older ones go. */
export const MAX_LINES = 200;

export interface Caption {
  /** Names the line for as long as it is shown. */
  key: string;
  speaker: Transcript["speaker"] | "note";
  text: string;
  interrupted: boolean;
}

/** What a new line does to the list. */
export type Change =
  | { kind: "added"; caption: Caption }
  | { kind: "replaced"; caption: Caption }
  | { kind: "partial" }
  | { kind: "nothing" };

export class Captions {
  readonly lines: Caption[] = [];
  /** What is being said: not final, by speaker. */
  readonly partial = new Map<Transcript["speaker"], string>();
  private round = 0;

  /** Another call begins below what is there: ids of the one before name nothing any more. */
  newRound(): void {
    this.round += 1;
    this.partial.clear();
  }

  take(line: Transcript): Change {
    if (!line.final) {
      if (line.text.trim() === "") return this.partial.delete(line.speaker) ? { kind: "partial" } : { kind: "nothing" };
      this.partial.set(line.speaker, line.text);
      return { kind: "partial" };
    }
    this.partial.delete(line.speaker);
    const key = `${this.round}-${line.id}`;
    const caption: Caption = { key, speaker: line.speaker, text: line.text, interrupted: line.interrupted };
    const at = this.lines.findIndex((l) => l.key === key);
    if (at >= 0) {
      this.lines[at] = caption;
      return { kind: "replaced", caption };
    }
    if (line.text.trim() === "") return { kind: "nothing" };
    return this.add(caption);
  }

  /** A line of the widget's own, such as that a new call began. */
  note(text: string): Change {
    return this.add({ key: `${this.round}-note-${this.lines.length}`, speaker: "note", text, interrupted: false });
  }

  clear(): void {
    this.lines.length = 0;
    this.partial.clear();
  }

  private add(caption: Caption): Change {
    this.lines.push(caption);
    if (this.lines.length > MAX_LINES) this.lines.shift();
    return { kind: "added", caption };
  }
}
