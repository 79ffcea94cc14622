/** What the widget asks the bridge for: the one place that knows its routes. */
import { CallError } from "./errors.js";
import type { Way } from "./lines/line.js";
import type { Settings } from "./settings.js";
import type { Variables } from "./variables.js";

/** A token for a LiveKit room, in which the bot waits. */
const TOKEN_PATH = "/api/v1/widget/token";
/** A ticket for the audio socket. */
const TICKET_PATH = "/api/v1/widget/ticket";
const FEEDBACK_PATH = "/api/v1/widget/feedback";
/** Any page may read it. */
const OPEN_PATH = "/widget/vox-worklet.js";
/** The bridge waits for a worker for ten seconds before it answers. */
const ANSWER_MS = 15_000;
/** Codes of the bridge that mean more than their status. */
const NO_LIVEKIT = "livekit_not_configured";
const OUTSIDE_HOURS = "outside_active_hours";

/** What a visitor brings to the call. */
export interface Visitor {
  variables: Variables;
  hasAcceptedTerms: boolean;
}

/** A way to the bot, and what proves afterwards that one was there. */
export interface Admission {
  way: Way;
  feedbackToken: string;
}

interface Refusal {
  status: number;
  code: string;
  detail: string;
  retryAfterMs: number | undefined;
}

type Fields = Record<string, unknown>;
type Answer = { ok: true; fields: Fields } | ({ ok: false } & Refusal);

/** Bridges that have said so, for as long as the page is there. */
const withoutLiveKit = new Set<string>();

/** Ask for a way. Throws a `CallError`. */
export async function findWay(settings: Settings, visitor: Visitor, abort: AbortSignal): Promise<Admission> {
  const { server, tokenUrl, transport } = settings;
  const body = bodyOf(settings, visitor);
  if (tokenUrl !== "") return admissionOf(await post(tokenUrl, { ...body, transport }, abort), server);
  if (transport === "livekit" || (transport === "auto" && !withoutLiveKit.has(server))) {
    const answer = await ask(server, TOKEN_PATH, body, abort);
    if (answer.ok || transport === "livekit" || answer.code !== NO_LIVEKIT) return admissionOf(answer, server);
    withoutLiveKit.add(server);
  }
  return admissionOf(await ask(server, TICKET_PATH, body, abort), server);
}

/** Tell how it was. It is sent on although the page is left. */
export async function sendFeedback(settings: Settings, token: string, rating: string, comment: string): Promise<void> {
  const body = { feedback_token: token, rating, ...(comment === "" ? {} : { comment }) };
  const answer = await post(settings.server + FEEDBACK_PATH, body, new AbortController().signal);
  if (!answer.ok) throw refusalOf(answer);
}

function bodyOf({ bot, key, termsVersion }: Settings, { variables, hasAcceptedTerms }: Visitor): Fields {
  const body: Fields = { bot_id: bot };
  if (key !== "") body["api_key"] = key;
  if (Object.keys(variables).length > 0) body["variables"] = variables;
  if (hasAcceptedTerms) body["terms_accepted"] = true;
  if (hasAcceptedTerms && termsVersion !== "") body["terms_version"] = termsVersion;
  return body;
}

/** Ask the bridge. It does not let pages read that they are not allowed: that looks like no network, and is told apart here. */
async function ask(server: string, path: string, body: Fields, abort: AbortSignal): Promise<Answer> {
  try {
    return await post(server + path, body, abort);
  } catch (thrown) {
    if (abort.aborted || !(await isThere(server))) throw thrown;
    const told = `${server} answers, but not to this page: is ${window.location.origin} among the bot's allowed_origins, and is the bot's id right?`;
    throw new CallError("origin_refused", told);
  }
}

async function isThere(server: string): Promise<boolean> {
  try {
    return (await fetch(server + OPEN_PATH, { method: "HEAD", credentials: "omit" })).ok;
  } catch {
    return false;
  }
}

async function post(url: string, body: Fields, abort: AbortSignal): Promise<Answer> {
  const limit = new AbortController();
  const stop = (): void => limit.abort();
  abort.addEventListener("abort", stop, { once: true });
  const timer = setTimeout(stop, ANSWER_MS);
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
      // The key is public and the bridge takes no cookies.
      credentials: "omit",
      keepalive: true,
      signal: limit.signal,
    });
    const fields = fieldsOf(await response.json().catch(() => undefined));
    return response.ok ? { ok: true, fields } : { ok: false, ...told(response, fields) };
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    // A refusal of the browser's own (connect-src, CORS) looks the same as no network.
    throw new CallError("offline", `${url} does not answer, or this page may not ask it: ${why}`);
  } finally {
    clearTimeout(timer);
    abort.removeEventListener("abort", stop);
  }
}

function told(response: Response, fields: Fields): Refusal {
  const error = fieldsOf(fields["error"]);
  const seconds = Number(response.headers.get("retry-after") ?? Number.NaN);
  return {
    status: response.status,
    code: String(error["code"] ?? ""),
    detail: String(error["detail"] ?? fields["detail"] ?? response.statusText),
    retryAfterMs: Number.isFinite(seconds) ? seconds * 1_000 : undefined,
  };
}

function admissionOf(answer: Answer, server: string): Admission {
  if (!answer.ok) throw refusalOf(answer);
  const text = (name: string): string => (typeof answer.fields[name] === "string" ? String(answer.fields[name]) : "");
  const feedbackToken = text("feedback_token");
  const [room, token, ticket] = [text("server_url"), text("participant_token"), text("ticket")];
  if (room !== "" && token !== "") return { way: { kind: "livekit", url: room, token }, feedbackToken };
  const place = text("url") === "" ? text("path") : text("url");
  if (ticket !== "") return { way: { kind: "talk", url: talkUrl(place, ticket, server) }, feedbackToken };
  throw new CallError("failed", "the answer has neither a ticket nor a token");
}

/** The socket's address with the ticket in it; a path alone is one of the bridge's own host. */
export function talkUrl(place: string, ticket: string, server: string): string {
  const url = new URL(place, server);
  url.protocol = url.protocol.replace(/^http/, "ws");
  url.searchParams.set("ticket", ticket);
  return url.href;
}

/** What a refusal of the bridge means for the visitor. */
export function refusalOf({ status, code, detail, retryAfterMs }: Refusal): CallError {
  const told = `${status} ${code}: ${detail}`;
  if (code === OUTSIDE_HOURS) return new CallError("refused", told);
  switch (status) {
    case 401:
      return new CallError("bad_key", told);
    case 403:
      return new CallError("origin_refused", told);
    case 404:
      return new CallError("no_bot", told);
    case 400:
    case 422:
      return new CallError(code === "bad_variables" ? "bad_variables" : "bad_settings", told);
    case 402:
    case 409:
      return new CallError("refused", told);
    case 429:
    case 503:
      return new CallError("busy", told, retryAfterMs);
    default:
      return new CallError("failed", told);
  }
}

function fieldsOf(value: unknown): Fields {
  return typeof value === "object" && value !== null ? (value as Fields) : {};
}
