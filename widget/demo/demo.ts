/** The demo page: what the widget tells is listed, so that one sees which events there are. */
const log = document.querySelector("#events");
const widget = document.querySelector("vox-widget");
const EVENTS = [
  "vox-ready",
  "vox-open",
  "vox-close",
  "vox-state",
  "vox-call-start",
  "vox-call-end",
  "vox-transcript",
  "vox-interrupted",
  "vox-mute",
  "vox-device",
  "vox-terms",
  "vox-feedback",
  "vox-error",
];
const origin = document.querySelector("#origin");
if (origin !== null) origin.textContent = window.location.origin;

/** Lines kept. */
const MOST = 100;

for (const name of EVENTS) {
  widget?.addEventListener(name, (event) => {
    const line = document.createElement("li");
    line.textContent = `${name} ${JSON.stringify((event as CustomEvent<unknown>).detail)}`;
    log?.prepend(line);
    while ((log?.childElementCount ?? 0) > MOST) log?.lastElementChild?.remove();
  });
}

export {};
