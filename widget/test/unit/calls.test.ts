import assert from "node:assert/strict";
import { test } from "node:test";
import { Captions, MAX_LINES } from "../../src/captions.js";
import { CallError } from "../../src/errors.js";
import type { Transcript } from "../../src/lines/line.js";
import { endOf } from "../../src/lines/talk.js";
import { type CallState, isBusy, next, type Step } from "../../src/state.js";
import { checkVariables, MAX_TOTAL, MAX_VALUE, MAX_VARIABLES } from "../../src/variables.js";

function walk(steps: Step[]): CallState {
  return steps.reduce<CallState>((state, step) => next(state, step) ?? state, "idle");
}

test("a call goes from a click to its end", () => {
  assert.equal(walk(["start", "allowed", "ready"]), "live");
  assert.equal(walk(["start", "allowed", "ready", "over"]), "ended");
  assert.equal(walk(["start", "fault"]), "failed");
  assert.equal(walk(["start", "allowed", "ready", "lost", "ready"]), "live");
  assert.equal(walk(["start", "allowed", "ready", "lost", "back", "over", "reset"]), "idle");
});

test("a step without a meaning leads nowhere", () => {
  assert.equal(next("idle", "ready"), undefined);
  assert.equal(next("live", "start"), undefined);
  assert.equal(next("ended", "lost"), undefined);
  assert.deepEqual(
    ["idle", "ended", "failed"].map((state) => isBusy(state as CallState)),
    [false, false, false],
  );
});

function line(more: Partial<Transcript>): Transcript {
  return { speaker: "bot", text: "Hello.", final: true, interrupted: false, id: "bot-1", ...more };
}

test("a final line takes the place of what was being said, and of one with its id", () => {
  const captions = new Captions();
  assert.equal(captions.take(line({ final: false, text: "Hel" })).kind, "partial");
  assert.equal(captions.partial.get("bot"), "Hel");
  assert.equal(captions.take(line({})).kind, "added");
  assert.equal(captions.partial.size, 0);
  assert.equal(captions.take(line({ text: "Hello the", interrupted: true })).kind, "replaced");
  assert.deepEqual(
    captions.lines.map((l) => [l.text, l.interrupted]),
    [["Hello the", true]],
  );
  assert.equal(captions.take(line({ id: "bot-9", text: " " })).kind, "nothing");
});

test("lines of another call are others, and the oldest go", () => {
  const captions = new Captions();
  captions.take(line({}));
  captions.newRound();
  assert.equal(captions.take(line({})).kind, "added");
  for (let at = 0; at < 2 * MAX_LINES; at += 1) captions.take(line({ id: `bot-${at + 10}` }));
  assert.equal(captions.lines.length, MAX_LINES);
});

test("a socket's close says how the call ended", () => {
  assert.deepEqual(endOf(1000, "bot hung up", true), { kind: "over", by: "bot hung up" });
  assert.equal(endOf(1001, "", true).kind, "lost");
  assert.equal(endOf(1006, "", true).kind, "lost");
  for (const [code, ready, word] of [
    [1008, true, "refused"],
    [1013, true, "busy"],
    [1006, false, "busy"],
    [1009, true, "failed"],
  ] as const) {
    const end = endOf(code, "", ready);
    assert.equal(end.kind === "failed" ? end.code : end.kind, word, String(code));
  }
});

test("variables are texts with names, and not too many", () => {
  assert.deepEqual(checkVariables({ name: "Ann", n: 3, vip: true }), { name: "Ann", n: 3, vip: true });
  assert.deepEqual(checkVariables(undefined), {});
  const many = Object.fromEntries(Array.from({ length: MAX_VARIABLES + 1 }, (_, at) => [`v${at}`, "x"]));
  const large = Object.fromEntries(Array.from({ length: 10 }, (_, at) => [`v${at}`, "x".repeat(MAX_TOTAL / 10)]));
  for (const wrong of [
    [],
    "x",
    { "1a": "x" },
    { _a: "x" },
    { "a b": "x" },
    { a: {} },
    { a: null },
    { a: Number.NaN },
    { a: "x".repeat(MAX_VALUE + 1) },
    many,
    large,
  ]) {
    assert.throws(
      () => checkVariables(wrong),
      (error) => error instanceof CallError && error.code === "bad_variables",
    );
  }
});
