import assert from "node:assert/strict";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, test } from "node:test";
import { CallError } from "../../src/errors.js";
import type { Way } from "../../src/lines/line.js";
import { findWay, refusalOf, sendFeedback, talkUrl } from "../../src/net.js";
import { readSettings } from "../../src/settings.js";

interface Told {
  path: string;
  body: Record<string, unknown>;
}

type Reply = { status: number; body: object; headers?: Record<string, string> };

const told: Told[] = [];
let replies: Reply[] = [];
const server = createServer((request, response) => {
  void body(request).then((text) => {
    told.push({ path: request.url ?? "", body: JSON.parse(text) as Record<string, unknown> });
    const reply = replies.shift() ?? { status: 500, body: {} };
    response.writeHead(reply.status, { "content-type": "application/json", ...reply.headers });
    response.end(reply.status === 204 ? undefined : JSON.stringify(reply.body));
  });
});
let origin = "";

async function body(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const piece of request) text += String(piece);
  return text;
}

before(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
after(() => server.close());

function read(attributes: Record<string, string>, name: string): string | null {
  return attributes[name] ?? null;
}

/** Ask with these attributes; the bridge answers so. */
async function ask(
  attributes: Record<string, string>,
  ...answers: Reply[]
): Promise<{ way: Way; feedbackToken: string; asked: Told[] }> {
  replies = answers;
  told.length = 0;
  const { settings } = readSettings((name) => read({ bot: "faq", "api-key": "wk_1", ...attributes }, name), {
    origin,
    base: origin,
  });
  const visitor = { variables: { name: "Ann" }, hasAcceptedTerms: "terms-version" in attributes };
  const admission = await findWay(settings, visitor, new AbortController().signal);
  return { ...admission, asked: [...told] };
}

const TICKET: Reply = { status: 201, body: { ticket: "t", path: "/talk/faq", feedback_token: "f" } };
const ROOM: Reply = { status: 201, body: { server_url: "wss://lk.example", participant_token: "jwt" } };
const NO_LIVEKIT: Reply = { status: 503, body: { error: { code: "livekit_not_configured", detail: "…" } } };

test("where there is LiveKit its token is the way", async () => {
  const { way, asked } = await ask({}, ROOM);
  assert.deepEqual(way, { kind: "livekit", url: "wss://lk.example", token: "jwt" });
  assert.equal(asked[0]?.body["bot_id"], "faq");
  assert.equal(asked[0]?.body["api_key"], "wk_1");
  assert.deepEqual(asked[0]?.body["variables"], { name: "Ann" });
});

test("where there is none a ticket is asked for, with the same key", async () => {
  const { way, asked } = await ask({}, NO_LIVEKIT, TICKET);
  assert.deepEqual(way, { kind: "talk", url: `${origin.replace("http", "ws")}/talk/faq?ticket=t` });
  assert.equal(asked.length, 2);
  assert.equal((await ask({}, TICKET)).asked.length, 1, "it is asked for a room once");
  assert.equal(asked[1]?.body["api_key"], "wk_1");
  const direct = await ask({ transport: "talk", "terms-version": "2026-11" }, TICKET);
  assert.deepEqual([direct.asked.length, direct.feedbackToken], [1, "f"]);
  assert.deepEqual([direct.asked[0]?.body["terms_accepted"], direct.asked[0]?.body["terms_version"]], [true, "2026-11"]);
  assert.equal(asked[1]?.body["terms_accepted"], undefined);
});

test("a page that wants LiveKit and nothing else is told that there is none", async () => {
  await assert.rejects(ask({ transport: "livekit" }, NO_LIVEKIT), (error) => error instanceof CallError && error.code === "busy");
});

test("a server of the page's own gives either", async () => {
  const given = { status: 201, body: { ticket: "a b", url: "wss://calls.example/talk/faq" } };
  const { way, asked } = await ask({ "token-url": "/call" }, given);
  assert.deepEqual(way, { kind: "talk", url: "wss://calls.example/talk/faq?ticket=a+b" });
  assert.equal(asked[0]?.path, "/call");
  assert.equal((await ask({ "token-url": "/call" }, ROOM)).way.kind, "livekit");
});

test("refusals are told in the visitor's terms", async () => {
  const words: [number, string, string][] = [
    [401, "unauthorized", "bad_key"],
    [403, "origin_not_allowed", "origin_refused"],
    [404, "unknown_bot", "no_bot"],
    [409, "bot_disabled", "refused"],
    [422, "invalid", "bad_settings"],
    [422, "bad_variables", "bad_variables"],
    [503, "outside_active_hours", "refused"],
    [429, "rate_limited", "busy"],
    [503, "no_fleet", "busy"],
    [500, "internal", "failed"],
  ];
  for (const [status, code, word] of words) {
    assert.equal(refusalOf({ status, code, detail: "", retryAfterMs: undefined }).code, word, String(status));
  }
  const limited = { status: 429, body: { error: { code: "rate_limited" } }, headers: { "retry-after": "7" } };
  await assert.rejects(ask({}, limited), (error) => error instanceof CallError && error.retryAfterMs === 7_000);
  await assert.rejects(ask({}, { status: 201, body: {} }), (error) => error instanceof CallError && error.code === "failed");
});

test("what was thought of a call goes with its token", async () => {
  replies = [{ status: 204, body: {} }];
  told.length = 0;
  const { settings } = readSettings((name) => read({ bot: "faq", "api-key": "wk_1" }, name), { origin, base: origin });
  await sendFeedback(settings, "f", "good", "");
  assert.deepEqual(told[0], { path: "/api/v1/widget/feedback", body: { feedback_token: "f", rating: "good" } });
  replies = [{ status: 401, body: { error: { code: "bad_feedback_token" } } }];
  await assert.rejects(sendFeedback(settings, "f", "bad", "x"), CallError);
});

test("a ticket goes into the socket's address, whatever form the address has", () => {
  assert.equal(talkUrl("/talk/b", "t&x", "https://h.example"), "wss://h.example/talk/b?ticket=t%26x");
  assert.equal(talkUrl("ws://c.example:1/talk/b", "t", "https://h.example"), "ws://c.example:1/talk/b?ticket=t");
});
