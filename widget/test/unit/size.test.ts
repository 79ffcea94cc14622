import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { gzipSync } from "node:zlib";

const dist = process.env["VOX_WIDGET_DIST"] ?? "dist";
/** What a page may cost its visitors, bytes compressed with gzip: at the first look, in a call, and in a call through LiveKit. */
const BUDGET: [RegExp, number][] = [
  [/^vox-widget\.js$/, 24_000],
  [/^vox-worklet\.js$/, 2_500],
  [/^vox-(livekit|chunk).*\.js$/, 160_000],
  [/^vox-react\.js$/, 2_000],
];

test("every file keeps to its budget", (context) => {
  const scripts = readdirSync(dist).filter((name) => name.startsWith("vox-") && name.endsWith(".js"));
  for (const [pattern, most] of BUDGET) {
    const sizes = scripts.filter((name) => pattern.test(name)).map((name) => gzipSync(readFileSync(join(dist, name))).length);
    const size = sizes.reduce((sum, one) => sum + one, 0);
    assert.ok(sizes.length > 0, `${pattern} is not built`);
    context.diagnostic(`${pattern.source}: ${size} of ${most} bytes`);
    assert.ok(size <= most, `${pattern.source}: ${size} bytes, ${most} are allowed`);
  }
  const unknown = scripts.filter((name) => !BUDGET.some(([pattern]) => pattern.test(name)));
  assert.deepEqual(unknown, [], "a file without a budget");
});

test("the script of a page has neither LiveKit's client nor anything that a strict policy forbids", () => {
  const script = readFileSync(join(dist, "vox-widget.js"), "utf8");
  for (const word of ["RTCPeerConnection", "eval(", "new Function", "innerHTML", "createObjectURL"]) {
    assert.ok(!script.includes(word), word);
  }
});
