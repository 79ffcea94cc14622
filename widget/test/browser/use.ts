/** How the widget is used without a mouse, without a microphone, without a look at the screen, and by React. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "../kit/chromium.js";
import { screenshots, unexpected, type World, watch } from "./world.js";

const WIDGET = `bot="faq" token-url="/call" transport="talk"`;

/** What is focused in the widget. */
const FOCUS = "(widget.shadowRoot.activeElement?.getAttribute('part') ?? '')";

/** All of it by keys: open, agree to the terms, call, mute, hang up, close. */
export async function byKeyboard({ browser, site }: World): Promise<void> {
  const terms = `terms="Calls are recorded." terms-url="/terms"`;
  const page = await browser.open(site.page(`<vox-widget ${WIDGET} ${terms} lang="en"></vox-widget>`));
  await watch(page);
  await page.press("Tab");
  assert.match(await page.value(FOCUS), /launcher/);
  await page.press("Enter", "Enter", "\r");
  await page.until("the terms are asked for", "parts('terms').length === 1");
  assert.match(await page.value(FOCUS), /accept/, "the focus is on what comes next");
  await page.screenshot(join(screenshots, "terms.png"));
  await page.value("widget.start()");
  assert.equal(await page.value("widget.state"), "idle", "no call without consent");
  await page.press("Enter", "Enter", "\r");
  await page.until("the call begins", `tells("vox-terms", (d) => d.accepted) && tells("vox-call-start")`);
  assert.match(await page.value(FOCUS), /hang-up/, "the focus did not get lost");
  await page.press("Escape");
  await page.until("the panel is closed", "parts('panel').length === 0");
  assert.match(await page.value(FOCUS), /launcher/);
  assert.equal(await page.value("widget.state"), "live", "the call goes on");
  await page.press("Enter", "Enter", "\r");
  await page.press(" ", "Space", " ");
  await page.until("the call ends", `tells("vox-call-end")`);
  await page.go(await page.value<string>("location.href"));
  await watch(page);
  await page.click("launcher");
  assert.equal(await page.value("parts('terms').length"), 0, "who agreed is not asked again");
  assert.deepEqual(unexpected(page), []);
  await page.close();
}

/** A microphone that is not allowed: the visitor is told what to do, and can type. */
export async function withoutMicrophone({ browser, site }: World): Promise<void> {
  const page = await browser.open(site.page(`<vox-widget ${WIDGET} lang="de"></vox-widget>`), "denied");
  await watch(page);
  await page.click("launcher");
  await page.click("start");
  await page.until("it is told", `tells("vox-error", (d) => d.code === "mic_denied")`);
  assert.match(await page.value("text('error')"), /Mikrofon ist nicht erlaubt/);
  await page.screenshot(join(screenshots, "no-microphone-german.png"));
  await page.click("start-text");
  await page.until("a typed call begins", `tells("vox-call-start") && text("error") === ""`);
  await page.value("widget.hangUp()");
  await page.close();
}

interface Violation {
  id: string;
  impact: string;
  nodes: { html: string; failureSummary: string }[];
}

async function violations(page: Page): Promise<string[]> {
  const found = await page.value<Violation[]>("axe.run(document).then((told) => told.violations)");
  return found.map(({ id, nodes }) => `${id}: ${nodes.map((node) => `${node.html} ${node.failureSummary}`).join("\n")}`);
}

/** An outside judge looks at every state, light and dark. */
export async function accessibly({ browser, site }: World): Promise<void> {
  const axe = readFileSync(join(process.cwd(), "node_modules/axe-core/axe.min.js"), "utf8");
  for (const theme of ["light", "dark"]) {
    const page = await browser.open(site.page(`<vox-widget ${WIDGET} theme="${theme}" lang="es"></vox-widget>`));
    await watch(page);
    await page.value(`${axe}; true`);
    assert.deepEqual(await violations(page), [], "closed");
    await page.click("launcher");
    assert.deepEqual(await violations(page), [], "open");
    await page.click("start");
    await page.until("the greeting is read", "parts('bot').length > 0");
    await page.click("settings");
    await page.until("devices are listed", "parts('microphone')[0]?.options.length > 1");
    assert.deepEqual(await violations(page), [], "in a call");
    await page.screenshot(join(screenshots, `call-spanish-${theme}.png`));
    await page.click("hang-up");
    await page.until("the call ends", `tells("vox-call-end")`);
    assert.deepEqual(await violations(page), [], "after it");
    await page.close();
  }
}

/** Who wants no motion gets none. */
export async function withoutMotion({ browser, site }: World): Promise<void> {
  const page = await browser.open(site.page(`<vox-widget ${WIDGET} mode="inline"></vox-widget>`));
  await watch(page);
  const motion = "getComputedStyle(parts('orb')[0])";
  assert.notEqual(await page.value(`${motion}.transitionDuration`), "0s");
  await page.ask("Emulation.setEmulatedMedia", { features: [{ name: "prefers-reduced-motion", value: "reduce" }] });
  assert.equal(await page.value(`${motion}.transform`), "none");
  assert.equal(await page.value(`${motion}.transitionDuration`), "0s");
  await page.close();
}

/** A page that shows its own buttons and colours. */
export async function headlessAndOverridden({ browser, site }: World): Promise<void> {
  const headless = await browser.open(site.page(`<vox-widget ${WIDGET} mode="headless"></vox-widget>`));
  await watch(headless);
  assert.equal(await headless.value("widget.shadowRoot"), null, "nothing is shown");
  await headless.value("widget.variables = { nested: {} }; widget.start('text')");
  assert.equal(await headless.value("widget.error.code"), "bad_variables");
  await headless.value("widget.variables = { name: 'Ann' }");
  await headless.ask("Runtime.evaluate", { expression: "widget.start('text')", userGesture: true });
  await headless.until("a call begins all the same", `tells("vox-call-start")`);
  await headless.value("widget.remove()");
  await headless.until("a widget that is taken away hangs up", `widget.state === "ended"`);
  await headless.close();

  const strings = `strings='{"launcher": "Ring us", "title": "The shop"}'`;
  const page = await browser.open(site.page(`<vox-widget ${WIDGET} ${strings} position="bottom-left"></vox-widget>`));
  await watch(page);
  assert.equal(await page.value("text('launcher')"), "Ring us");
  await page.value("widget.style.setProperty('--vox-accent', 'rgb(1, 2, 3)')");
  assert.equal(await page.value("getComputedStyle(parts('launcher')[0]).backgroundColor"), "rgb(1, 2, 3)");
  await page.value("widget.setAttribute('lang', 'fr')");
  await page.click("launcher");
  assert.deepEqual(await page.value("[text('title'), text('start')]"), ["The shop", "Commencer l’appel"]);
  await page.close();
}

/** The bridge's own page of a bot, under its policy. */
export async function theDemoPage({ browser, platform, key }: World): Promise<void> {
  const { bridge_url } = platform.ready;
  const page = await browser.open(`${bridge_url}/demo/faq?lang=fr`);
  await watch(page);
  const snippet = await page.value<string>("document.querySelector('#snippet').textContent");
  assert.ok(snippet.includes(`src="${bridge_url}/widget/vox-widget.js"`) && snippet.includes(`api-key="${key}"`), snippet);
  await page.click("launcher");
  await page.until("the page lists what it is told", "document.querySelector('#events').textContent.includes('vox-open')");
  assert.equal(await page.value("text('start')"), "Commencer l’appel");
  await page.screenshot(join(screenshots, "demo-page-french.png"));
  assert.deepEqual(unexpected(page), []);
  await page.close();
}

/** A page with a wrong key, and a page of an origin that the bot does not allow. */
export async function refused({ browser, site, key }: World): Promise<void> {
  const address = (apiKey: string): string =>
    site.page(`<vox-widget bot="faq" api-key="${apiKey}" mode="headless" transport="talk"></vox-widget>`);
  const elsewhere = address(key).replace("127.0.0.1", "localhost");
  for (const [url, code] of [
    [address("wk_wrong"), "bad_key"],
    [elsewhere, "origin_refused"],
  ] as const) {
    const page = await browser.open(url);
    await watch(page);
    await page.ask("Runtime.evaluate", { expression: "widget.start('text')", userGesture: true });
    await page.until("it is refused", `tells("vox-error", (d) => d.code === "${code}")`);
    await page.close();
  }
}

/** React writes the element, and its callbacks are called. */
export async function byReact({ browser, site }: World): Promise<void> {
  const page = await browser.open(site.page(`<div id="root"></div>`, `<script type="module" src="/react.js"></script>`));
  await page.until("React has written it", "document.querySelector('vox-widget')?.isConnected");
  await watch(page);
  assert.deepEqual(await page.value("[widget.getAttribute('bot'), widget.getAttribute('captions')]"), ["faq", "off"]);
  assert.deepEqual(await page.value("[widget.variables, text('launcher')]"), [{ name: "Ann" }, "Ask us"]);
  await page.click("launcher");
  await page.click("start-text");
  await page.until("callbacks are called", `reacted.includes("live") && reacted.some((said) => said.startsWith("session "))`);
  await page.value("widget.hangUp()");
  await page.until("the last ones too", `reacted.includes("ended by customer")`);
  await page.close();
}
