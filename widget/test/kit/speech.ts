/** What the fake microphone hears: spoken by the product's own voice engine (`engines/README.md` has its protocol). */
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

const SYNTHESISE = 2;
const SPOKEN = 66;
const DONE = 68;
const FAILED = 69;
/** Length and kind of a frame, bytes. */
const HEAD = 5;

interface Speech {
  rate: number;
  pcm: Buffer;
}

export function speak(programs: string, text: string): Promise<Speech> {
  const engine = spawn(join(programs, "vox-engine"), ["flite", "--voice", "slt"], { stdio: ["pipe", "pipe", "inherit"] });
  const body = Buffer.from(JSON.stringify({ id: 1, text }));
  const head = Buffer.alloc(HEAD);
  head.writeUInt32LE(body.length + 1, 0);
  head.writeUInt8(SYNTHESISE, 4);
  engine.stdin.write(Buffer.concat([head, body]));
  const pieces: Buffer[] = [];
  let rate = 0;
  let rest = Buffer.alloc(0);
  return new Promise((resolve, reject) => {
    engine.on("error", reject);
    engine.on("exit", (code) => reject(new Error(`the voice engine ended with ${code}`)));
    engine.stdout.on("data", (data: Buffer) => {
      rest = Buffer.concat([rest, data]);
      while (rest.length >= 4 && rest.length >= 4 + rest.readUInt32LE(0)) {
        const end = 4 + rest.readUInt32LE(0);
        const [kind, content] = [rest.readUInt8(4), rest.subarray(HEAD, end)];
        rest = rest.subarray(end);
        if (kind === FAILED) reject(new Error(content.toString()));
        if (kind === SPOKEN) {
          rate = content.readUInt32LE(8);
          pieces.push(content.subarray(12));
        }
        if (kind === DONE) {
          engine.removeAllListeners("exit");
          engine.stdin.end();
          resolve({ rate, pcm: Buffer.concat(pieces) });
        }
      }
    });
  });
}

/** A WAV file of pauses (seconds) and speech, in this order. */
export function writeWav(file: string, rate: number, parts: (number | Buffer)[]): void {
  const sounds = parts.map((part) => (typeof part === "number" ? Buffer.alloc(2 * Math.round(part * rate)) : part));
  const sound = Buffer.concat(sounds);
  const head = Buffer.alloc(44);
  head.write("RIFF", 0);
  head.writeUInt32LE(36 + sound.length, 4);
  head.write("WAVEfmt ", 8);
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20);
  head.writeUInt16LE(1, 22);
  head.writeUInt32LE(rate, 24);
  head.writeUInt32LE(2 * rate, 28);
  head.writeUInt16LE(2, 32);
  head.writeUInt16LE(16, 34);
  head.write("data", 36);
  head.writeUInt32LE(sound.length, 40);
  writeFileSync(file, Buffer.concat([head, sound]));
}
