/** That a visitor has agreed to the terms, for the next visit. */
import type { Settings } from "./settings.js";

/** Other terms, or another bot, are asked for anew. */
function place(settings: Settings): string {
  const text = `${settings.bot}\n${settings.terms}\n${settings.termsUrl}\n${settings.termsVersion}`;
  let hash = 5381;
  for (let at = 0; at < text.length; at += 1) hash = (hash * 33 + text.charCodeAt(at)) >>> 0;
  return `vox-terms-${hash.toString(36)}`;
}

export function recall(settings: Settings): boolean {
  try {
    return window.localStorage.getItem(place(settings)) !== null;
  } catch {
    // A page in a sandbox has no storage: it asks every time.
    return false;
  }
}

export function remember(settings: Settings): void {
  try {
    window.localStorage.setItem(place(settings), new Date().toISOString());
  } catch {
    // As above.
  }
}
