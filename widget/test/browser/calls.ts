/** Calls of a visitor from beginning to end, over each way. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { AUDIBLE, screenshots, unexpected, type World, watch } from "./world.js";

interface Record {
  transcript: { speaker: string; text: string }[];
  disconnected_by: string;
  visit: { rating: string | null } | null;
}

export interface Case {
  name: "talk" | "livekit";
  /** Where the widget is. */
  page(world: World): string;
}

/** The visitor hears the greeting, asks, interrupts the answer, hangs up and says how it was. */
export async function aWholeCall(world: World, { name, page: address }: Case): Promise<void> {
  const page = await world.browser.open(address(world));
  const shot = (what: string): Promise<void> => page.screenshot(join(screenshots, `${name}-${what}.png`));
  await watch(page);
  await shot("1-closed");
  await page.click("launcher");
  await page.until("the panel is open", "parts('panel').length === 1");
  await page.click("start");
  await page.until("the call begins", `tells("vox-call-start", (d) => d.transport === "${name}")`);
  await page.until("the greeting is heard", `loudest > ${AUDIBLE}`);
  // A visitor who speaks early cuts it in two.
  await page.until("it is read", `text("bot").includes("Hello")`);
  await shot("2-greeting");
  const finalOf = (speaker: string, words: string): string =>
    `tells("vox-transcript", (d) => d.final && d.speaker === "${speaker}" && /${words}/i.test(d.text))`;
  await page.until("the visitor is understood", finalOf("caller", "hours"));
  await page.until("the answer is heard", finalOf("bot", "monday"));
  await page.until(
    "it is interrupted",
    `tells("vox-interrupted") && tells("vox-transcript", (d) => d.speaker === "bot" && d.interrupted)`,
  );
  await shot("3-interrupted");
  await page.click("mute");
  await page.until("the microphone is muted", `widget.muted && text("status").includes("muted")`);
  await page.click("mute");
  await page.click("hang-up");
  await page.until("the call ends", `tells("vox-call-end", (d) => d.disconnected_by === "customer" && d.duration_ms > 3000)`);
  await page.click("feedback-good");
  await page.click("feedback-send");
  await page.until("the page is told", `tells("vox-feedback", (d) => d.rating === "good" && d.session_id === widget.sessionId)`);
  await shot("4-feedback");
  assert.deepEqual(unexpected(page), []);

  const id = await page.value<string>("widget.sessionId");
  const record = await recordOf(world, id);
  const said = (speaker: string): string =>
    record.transcript
      .filter((line) => line.speaker === speaker)
      .map((line) => line.text)
      .join(" ");
  assert.equal(record.disconnected_by, "customer");
  assert.match(said("caller"), /hours/i);
  assert.match(said("bot"), /Hello.+clinic/);
  assert.equal(record.visit?.rating, "good");
  await page.close();
}

/** The bridge's record of a call and of what its visitor thought; it comes when the call is over. */
async function recordOf({ platform }: World, id: string): Promise<Record> {
  const deadline = Date.now() + 30_000;
  for (;;) {
    const found = await platform.api<Record>("GET", `/api/v1/calls/${id}`).catch((error: unknown) => error as Error);
    const isWhole = !(found instanceof Error) && found.transcript.length > 0 && (found.visit?.rating ?? null) !== null;
    if (isWhole) return found;
    if (Date.now() > deadline)
      throw new Error(`no whole record of ${id}: ${found instanceof Error ? found.message : JSON.stringify(found)}`);
    // Oftener than a hundred times a minute nobody may ask.
    await new Promise((resolve) => setTimeout(resolve, 1_000));
  }
}

/** A visitor of a site in Arabic types and is answered, without a microphone. */
export async function aTypedCall(world: World): Promise<void> {
  const body = `<vox-widget bot="faq" token-url="/call" lang="ar" modalities="text" theme="dark"></vox-widget>`;
  const page = await world.browser.open(world.site.page(body), "denied");
  await watch(page);
  await page.click("launcher");
  assert.deepEqual(await page.value("parts('start').length"), 0, "there is no voice here");
  await page.click("start-text");
  await page.until("the call begins", `tells("vox-call-start")`);
  await page.until("the greeting is read", `text("bot").includes("How can I help you?")`);
  await page.click("input");
  await page.type("what are your opening hours");
  await page.press("Enter", "Enter", "\r");
  await page.until("the message is shown", `text("caller").includes("what are your opening hours")`);
  await page.until("it is answered", `/monday/i.test(text("bot"))`);
  assert.equal(await page.value("getComputedStyle(parts('panel')[0]).direction"), "rtl");
  const said = "getComputedStyle(parts('bot')[0].querySelector('.said')).direction";
  assert.equal(await page.value(said), "ltr", "the bot speaks English");
  const right = (part: string): string => `parts("${part}")[0].getBoundingClientRect().right`;
  assert.equal(await page.value(`${right("panel")} - ${right("launcher")}`), 0, "both in the corner");
  await page.screenshot(join(screenshots, "typed-arabic-dark.png"));
  assert.equal(await page.value("widget.sendKey('5')"), true);
  assert.equal(await page.value("widget.sendKey('x')"), false);
  await page.click("hang-up");
  await page.until("the call ends", `tells("vox-call-end")`);
  assert.deepEqual(unexpected(page), []);
  await page.close();
}

/** The worker of a call is killed: the widget says so, and begins another call by itself. */
export async function aBrokenCall(world: World): Promise<void> {
  const body = `<vox-widget bot="faq" token-url="/call" mode="inline" transport="talk" lang="en"></vox-widget>`;
  const page = await world.browser.open(world.site.page(body));
  await watch(page);
  await page.click("start");
  await page.until("the call begins", `tells("vox-call-start")`);
  const first = await page.value<string>("widget.sessionId");
  assert.ok((await world.platform.killWorkers()) > 0);
  await page.until("the loss is told", `tells("vox-state", (d) => d.state === "reconnecting")`);
  await page.until("another call begins", `told.filter(([n]) => n === "vox-call-start").length === 2`);
  await page.until("the visitor is told", `text("note").includes("A new call began")`);
  assert.notEqual(await page.value("widget.sessionId"), first);
  await page.screenshot(join(screenshots, "reconnected.png"));
  await page.click("hang-up");
  await page.until("the call ends", `tells("vox-call-end")`);
  await page.close();
}
