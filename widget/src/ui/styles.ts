/** How the widget looks. Every colour and measure is a custom property, every part has a name for `::part()`. */

const CSS = `
:host {
  --_accent: var(--vox-accent, #1a56db);
  --_on-accent: var(--vox-on-accent, #ffffff);
  --_background: var(--vox-background, #ffffff);
  --_surface: var(--vox-surface, #f2f4f7);
  --_text: var(--vox-text, #1b1f26);
  --_muted: var(--vox-muted, #565f6d);
  --_border: var(--vox-border, #c9ced6);
  --_danger: var(--vox-danger, #b42318);
  --_on-danger: var(--vox-on-danger, #ffffff);
  --_focus: var(--vox-focus, #1a56db);
  --_radius: var(--vox-radius, 14px);
  --_font: var(--vox-font, system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif);
  font: var(--vox-font-size, 15px)/1.45 var(--_font);
  color: var(--_text);
  display: block;
}
:host([hidden]), [hidden] { display: none !important; }
* { box-sizing: border-box; }
.root[data-mode="floating"] {
  position: fixed;
  z-index: var(--vox-z-index, 2147483000);
  bottom: var(--vox-offset, 20px);
  right: var(--vox-offset, 20px);
  display: flex;
  flex-direction: column;
  align-items: flex-end;
  gap: 12px;
  max-height: calc(100dvh - 2 * var(--vox-offset, 20px));
}
.root[data-mode="floating"][data-position="bottom-left"] {
  right: auto;
  left: var(--vox-offset, 20px);
  align-items: flex-start;
}
.launcher {
  display: inline-flex;
  align-items: center;
  gap: 10px;
  padding: 13px 20px;
  border-radius: 999px;
  background: var(--_accent);
  color: var(--_on-accent);
  box-shadow: 0 6px 20px rgb(0 0 0 / 22%);
}
.panel {
  display: flex;
  flex-direction: column;
  gap: 12px;
  padding: 16px;
  background: var(--_background);
  border: 1px solid var(--_border);
  border-radius: var(--_radius);
  width: var(--vox-width, 100%);
  min-height: 0;
}
.root[data-mode="floating"] .panel {
  width: min(var(--vox-width, 360px), calc(100vw - 2 * var(--vox-offset, 20px)));
  max-height: var(--vox-height, 560px);
  box-shadow: 0 10px 40px rgb(0 0 0 / 20%);
  overflow: auto;
}
.header { display: flex; align-items: center; gap: 8px; }
h2, h3, p { margin: 0; }
h2 { flex: 1; font-size: 1.1em; }
h3 { font-size: 1em; }
button, input, select, textarea { font: inherit; color: inherit; }
button { cursor: pointer; border: 0; background: none; padding: 0; }
.button {
  display: inline-flex;
  align-items: center;
  justify-content: center;
  gap: 8px;
  min-height: 44px;
  padding: 8px 16px;
  border-radius: calc(var(--_radius) * 0.7);
  border: 1px solid var(--_border);
  background: var(--_surface);
}
.button.primary { background: var(--_accent); border-color: var(--_accent); color: var(--_on-accent); }
.button.danger { background: var(--_danger); border-color: var(--_danger); color: var(--_on-danger); }
.button.icon-only { width: 44px; padding: 0; flex: none; }
.button[aria-pressed="true"] { outline: 2px solid var(--_accent); outline-offset: -2px; }
:focus-visible { outline: 3px solid var(--_focus); outline-offset: 2px; }
.icon { width: 20px; height: 20px; flex: none; fill: none; stroke: currentColor; stroke-width: 2; stroke-linecap: round; stroke-linejoin: round; }
.icon.filled { fill: currentColor; stroke: none; }
.orb {
  --_level: 0;
  align-self: center;
  flex: none;
  width: 84px;
  height: 84px;
  margin: 12px;
  border-radius: 50%;
  background: var(--vox-orb, radial-gradient(circle at 35% 30%, color-mix(in srgb, var(--_accent) 35%, white), var(--_accent)));
  transform: scale(calc(0.85 + 0.35 * var(--_level)));
  box-shadow: 0 0 0 calc(14px * var(--_level)) color-mix(in srgb, var(--_accent) 25%, transparent);
  transition: transform 80ms linear, box-shadow 80ms linear;
  opacity: 0.9;
}
.orb[data-who="caller"] { filter: saturate(0.6); }
.orb[data-state="connecting"], .orb[data-state="permission"], .orb[data-state="reconnecting"] { animation: wait 1.2s ease-in-out infinite alternate; }
@keyframes wait { from { opacity: 0.35; } to { opacity: 0.9; } }
.status { text-align: center; color: var(--_muted); min-height: 1.45em; }
.error { color: var(--_danger); }
.captions { flex: 1 1 auto; min-height: 72px; max-height: var(--vox-captions-height, 220px); overflow: auto; display: flex; flex-direction: column; gap: 8px; padding: 4px; }
.log { display: flex; flex-direction: column; gap: 8px; }
.line { padding: 8px 12px; border-radius: calc(var(--_radius) * 0.8); background: var(--_surface); max-width: 88%; overflow-wrap: anywhere; white-space: pre-wrap; position: relative; }
.line.caller { align-self: flex-end; background: var(--_accent); color: var(--_on-accent); }
.line.note { align-self: center; background: none; color: var(--_muted); font-size: 0.9em; }
.line.partial { font-style: italic; }
.said { display: block; }
.line.interrupted .said::after { content: " …"; }
.who { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.row { display: flex; flex-wrap: wrap; gap: 8px; justify-content: center; }
.stack { display: flex; flex-direction: column; gap: 8px; }
.composer { display: flex; gap: 8px; }
.field { flex: 1; min-width: 0; min-height: 44px; padding: 8px 12px; border-radius: calc(var(--_radius) * 0.7); border: 1px solid var(--_border); background: var(--_background); }
textarea.field { resize: vertical; }
label { display: flex; flex-direction: column; gap: 4px; font-size: 0.9em; color: var(--_muted); }
label .field { color: var(--_text); }
a { color: var(--_accent); }
.dark {
  --_accent: var(--vox-accent, #8ab0ff);
  --_on-accent: var(--vox-on-accent, #0b1220);
  --_background: var(--vox-background, #15181d);
  --_surface: var(--vox-surface, #242932);
  --_text: var(--vox-text, #f2f4f7);
  --_muted: var(--vox-muted, #aab3c0);
  --_border: var(--vox-border, #3b424d);
  --_danger: var(--vox-danger, #ff8f85);
  --_on-danger: var(--vox-on-danger, #2a0906);
  --_focus: var(--vox-focus, #8ab0ff);
  color: var(--_text);
}
@media (prefers-reduced-motion: reduce) {
  .orb { transition: none; animation: none !important; transform: none; box-shadow: 0 0 0 calc(6px * var(--_active, 0)) color-mix(in srgb, var(--_accent) 45%, transparent); }
}
@media (forced-colors: active) {
  .button, .launcher, .line, .orb { border: 1px solid ButtonText; }
}
`;

let sheet: CSSStyleSheet | undefined;

/** One sheet for all widgets of a page. Made by a constructor: no `style-src` stands against it. */
export function styles(): CSSStyleSheet {
  if (sheet === undefined) {
    sheet = new CSSStyleSheet();
    sheet.replaceSync(CSS);
  }
  return sheet;
}
