/** What all tests in the browser use: the platform, a site, a browser, and what pages are asked. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Browser, type Page } from "../kit/chromium.js";
import { LiveKitServer } from "../kit/livekit.js";
import { Platform } from "../kit/platform.js";
import { Site } from "../kit/site.js";
import { speak, writeWav } from "../kit/speech.js";

const target = process.env["VOX_TARGET"] ?? "../target";
const programs = join(target, "debug");
export const screenshots = join(target, "widget", "screenshots");
const bundles = join(target, "widget", "tests");

/** Whether the platform has a LiveKit server beside it: for calls through rooms, which workers must be able to join. */
export const hasLiveKit = process.env["VOX_TEST_WIDGET_LIVEKIT"] === "1";

/** Louder than any hiss: speech is at 0.6 and above. */
export const AUDIBLE = 0.4;

/** What the visitor says, over and over: an answer of eight seconds is interrupted by it. */
const SAYS = "what are your hours";
/** Seconds before and after it. */
const BEFORE = 4;
const AFTER = 2.5;

export interface World {
  platform: Platform;
  site: Site;
  browser: Browser;
  /** The widget key of the bot `faq`. */
  key: string;
  stop(): Promise<void>;
}

/** Start all of it. What has been started is stopped again when the rest does not start. */
export async function begin(): Promise<World> {
  const started: (() => unknown)[] = [];
  const stop = async (): Promise<void> => {
    for (const each of started.reverse()) await each();
  };
  try {
    return await start(started, stop);
  } catch (thrown) {
    await stop();
    throw thrown;
  }
}

async function start(started: (() => unknown)[], stop: () => Promise<void>): Promise<World> {
  const directory = mkdtempSync(join(tmpdir(), "vox-widget-test-"));
  started.push(() => rmSync(directory, { recursive: true, force: true }));
  const microphone = join(directory, "says.wav");
  const { rate, pcm } = await speak(programs, SAYS);
  writeWav(microphone, rate, [BEFORE, pcm, AFTER]);
  let settings: Record<string, string> = {};
  if (hasLiveKit) {
    const livekit = await LiveKitServer.start(join(process.cwd(), "../scripts"));
    started.push(() => livekit.stop());
    settings = livekit.settings;
  }
  const platform = await Platform.start(programs, join(process.cwd(), "dist"), settings);
  started.push(() => platform.stop());
  const site = new Site(platform.ready, { "/react.js": join(bundles, "react_page.mjs") });
  await site.start();
  started.push(() => site.stop());
  await platform.api("PATCH", "/api/v1/bots/faq", {
    opening_message: "Hello, this is the clinic. How can I help you?",
    widget: { enabled: true, allowed_origins: [site.origin, new URL(platform.ready.bridge_url).origin] },
  });
  const { widget_key: key } = await platform.api<{ widget_key: string }>("POST", "/api/v1/bots/faq/widget-key", {});
  const browser = await Browser.start({ microphone });
  started.push(() => browser.stop());
  return { platform, site, browser, key, stop };
}

const EVENTS = [
  "vox-open",
  "vox-close",
  "vox-state",
  "vox-call-start",
  "vox-call-end",
  "vox-transcript",
  "vox-bot-speaking",
  "vox-interrupted",
  "vox-mute",
  "vox-device",
  "vox-terms",
  "vox-feedback",
  "vox-error",
];

/** Note what the page is told, and how loud the bot was at its loudest. */
export async function watch(page: Page): Promise<void> {
  await page.value(`(() => {
    window.told = [];
    window.loudest = 0;
    window.widget = document.querySelector("vox-widget");
    window.parts = (part) => [...widget.shadowRoot.querySelectorAll('[part~="' + part + '"]')].filter((p) => p.checkVisibility());
    window.text = (part) => parts(part).map((p) => p.textContent).join(" | ");
    window.tells = (name, test = () => true) => told.some(([n, d]) => n === name && test(d));
    for (const name of ${JSON.stringify(EVENTS)}) {
      document.addEventListener(name, (event) => told.push([name, event.detail]));
    }
    setInterval(() => { loudest = Math.max(loudest, widget.level("out")); }, 20);
  })()`);
  await page.until("the element is there", "customElements.get('vox-widget') && widget.state === 'idle'");
}

/** Complaints that a page of a working widget must not have. */
export function unexpected(page: Page): string[] {
  // Pages of the site have no icon, and a bridge without LiveKit says so to the first call of a page.
  const known = hasLiveKit ? ["favicon.ico"] : ["favicon.ico", "503 (Service Unavailable)"];
  return page.complaints.filter((text) => !known.some((words) => text.includes(words)));
}
