/** Asking the bridge for a way to the bot: the one place that knows its routes. */
import { CallError } from "./errors.js";
import type { Way } from "./lines/line.js";
import type { Settings } from "./settings.js";
import type { Variables } from "./variables.js";

/** A token for a LiveKit room. */
const TOKEN_PATH = "/api/v1/widget/token";
/** A ticket for the audio socket. */
const TICKET_PATH = "/api/v1/widget/ticket";
/** The bridge begins the bot's side before it answers, for ten seconds at most. */
const ANSWER_MS = 15_000;
/** Code of the refusal of a deployment without LiveKit. */
const NO_LIVEKIT = "livekit_not_configured";

interface Refusal {
  status: number;
  code: string;
  detail: string;
  retryAfterMs: number | undefined;
}

type Answer = { ok: true; fields: Record<string, unknown> } | ({ ok: false } & Refusal);

/** Ask for a way. Throws a `CallError`. */
export async function findWay(settings: Settings, variables: Variables, abort: AbortSignal): Promise<Way> {
  const { bot, key, server, tokenUrl, transport } = settings;
  const body = { bot_id: bot, ...(key === "" ? {} : { api_key: key }), ...given(variables) };
  if (tokenUrl !== "") return wayOf(await post(tokenUrl, { ...body, transport }, abort), server);
  if (transport !== "talk") {
    const answer = await post(server + TOKEN_PATH, body, abort);
    if (answer.ok || transport === "livekit" || answer.code !== NO_LIVEKIT) return wayOf(answer, server);
  }
  return wayOf(await post(server + TICKET_PATH, body, abort), server);
}

function given(variables: Variables): { variables?: Variables } {
  return Object.keys(variables).length === 0 ? {} : { variables };
}

async function post(url: string, body: object, abort: AbortSignal): Promise<Answer> {
  const limit = new AbortController();
  const stop = (): void => limit.abort();
  abort.addEventListener("abort", stop, { once: true });
  const timer = setTimeout(stop, ANSWER_MS);
  let response: Response;
  try {
    response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
      // The key is public and the bridge takes no cookies.
      credentials: "omit",
      signal: limit.signal,
    });
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    // A refusal of the browser's own (connect-src, CORS) looks the same as no network.
    throw new CallError("offline", `${url} does not answer, or this page may not ask it: ${why}`);
  } finally {
    clearTimeout(timer);
    abort.removeEventListener("abort", stop);
  }
  const fields = fieldsOf(await response.json().catch(() => undefined));
  if (response.ok) return { ok: true, fields };
  const error = fieldsOf(fields["error"]);
  const seconds = Number(response.headers.get("retry-after") ?? Number.NaN);
  return {
    ok: false,
    status: response.status,
    code: String(error["code"] ?? ""),
    detail: String(error["detail"] ?? fields["detail"] ?? response.statusText),
    retryAfterMs: Number.isFinite(seconds) ? seconds * 1_000 : undefined,
  };
}

function wayOf(answer: Answer, server: string): Way {
  if (!answer.ok) throw refusalOf(answer);
  const { fields } = answer;
  const [room, token] = [fields["server_url"], fields["participant_token"]];
  if (typeof room === "string" && typeof token === "string") return { kind: "livekit", url: room, token };
  const ticket = fields["ticket"];
  if (typeof ticket === "string") {
    const place = fields["url"] ?? fields["path"];
    return { kind: "talk", url: talkUrl(typeof place === "string" ? place : "", ticket, server) };
  }
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
  switch (status) {
    case 401:
      return new CallError("bad_key", told);
    case 403:
      return new CallError("origin_refused", told);
    case 404:
      return new CallError("no_bot", told);
    case 400:
    case 422:
      return new CallError(code.includes("variable") ? "bad_variables" : "bad_settings", told);
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

function fieldsOf(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}
