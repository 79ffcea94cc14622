/** The one script of a page: it makes `<vox-widget>` known. */
import { VoxWidget } from "./element.js";

export { VERSION, VoxWidget } from "./element.js";
export type { CallError, ErrorCode } from "./errors.js";
export type { VoxEventName, VoxEvents } from "./events.js";
export type { Transcript } from "./lines/line.js";
export type { CallState } from "./state.js";

declare global {
  interface HTMLElementTagNameMap {
    "vox-widget": VoxWidget;
  }
}

// Two script tags are one widget.
if (customElements.get("vox-widget") === undefined) customElements.define("vox-widget", VoxWidget);
