import assert from "node:assert/strict";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, test } from "node:test";
import { CallError } from "../../src/errors.js";
import type { Way } from "../../src/lines/line.js";
import { findWay, refusalOf, talkUrl } from "../../src/net.js";
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
    response.end(JSON.stringify(reply.body));
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

/** Ask with these attributes; the bridge answers so. */
async function ask(attributes: Record<string, string>, ...answers: Reply[]): Promise<{ way: Way; asked: Told[] }> {
  replies = answers;
  told.length = 0;
  const { settings } = readSettings((name) => ({ bot: "faq", "api-key": "wk_1", ...attributes })[name] ?? null, { origin, base: origin });
  const way = await findWay(settings, { name: "Ann" }, new AbortController().signal);
  return { way, asked: [...told] };
}

const TICKET: Reply = { status: 201, body: { ticket: "t", path: "/talk/faq" } };
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
  assert.equal(asked[1]?.body["api_key"], "wk_1");
  const direct = await ask({ transport: "talk" }, TICKET);
  assert.equal(direct.asked.length, 1);
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
    [403, "origin_forbidden", "origin_refused"],
    [404, "not_found", "no_bot"],
    [409, "bot_disabled", "refused"],
    [422, "invalid", "bad_settings"],
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

test("a ticket goes into the socket's address, whatever form the address has", () => {
  assert.equal(talkUrl("/talk/b", "t&x", "https://h.example"), "wss://h.example/talk/b?ticket=t%26x");
  assert.equal(talkUrl("ws://c.example:1/talk/b", "t", "https://h.example"), "ws://c.example:1/talk/b?ticket=t");
});
