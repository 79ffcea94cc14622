/** Values that the page gives the bot for a call (`{{call.name}}` in its texts). The bridge holds pages to the same limits. */
import { CallError } from "./errors.js";

export const MAX_VARIABLES = 20;
export const MAX_NAME = 40;
export const MAX_VALUE = 500;
/** Of all names and values together, characters. */
export const MAX_TOTAL = 4_000;

export type Variables = Record<string, string | number | boolean>;

const NAME = /^[A-Za-z][A-Za-z0-9_]*$/;

/** Check what a page gave. Throws `bad_variables` with what to change. */
export function checkVariables(given: unknown): Variables {
  if (given === undefined || given === null) return {};
  if (typeof given !== "object" || Array.isArray(given)) throw bad("must be an object of names and values");
  const entries = Object.entries(given);
  if (entries.length > MAX_VARIABLES) throw bad(`${entries.length} are given, ${MAX_VARIABLES} are taken`);
  const variables: Variables = {};
  let total = 0;
  for (const [name, value] of entries) {
    if (!NAME.test(name) || name.length > MAX_NAME) {
      throw bad(`"${name.slice(0, MAX_NAME)}" is no name: a letter, and letters, digits or _ after it, ${MAX_NAME} at most`);
    }
    if (!isPlain(value)) throw bad(`${name} is neither a text, a number nor true or false`);
    const size = String(value).length;
    if (size > MAX_VALUE) throw bad(`${name} is longer than ${MAX_VALUE} characters`);
    total += name.length + size;
    variables[name] = value;
  }
  if (total > MAX_TOTAL) throw bad(`together they are longer than ${MAX_TOTAL} characters`);
  return variables;
}

function isPlain(value: unknown): value is string | number | boolean {
  return typeof value === "string" || typeof value === "boolean" || (typeof value === "number" && Number.isFinite(value));
}

function bad(detail: string): CallError {
  return new CallError("bad_variables", `variables: ${detail}`);
}
