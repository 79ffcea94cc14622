/** The widget in a real browser, against a real platform. */
import { after, before, test } from "node:test";
import * as calls from "./calls.js";
import * as docs from "./docs.js";
import * as use from "./use.js";
import { begin, hasLiveKit, type World } from "./world.js";

let world: World;
before(async () => {
  world = await begin();
});
after(() => world?.stop());

const CASES: calls.Case[] = [
  // Without LiveKit it is what the widget falls back to by itself.
  { name: "talk", page: ({ platform }) => `${platform.ready.bridge_url}/demo/faq?lang=en${hasLiveKit ? "&transport=talk" : ""}` },
];

if (hasLiveKit) CASES.push({ name: "livekit", page: ({ platform }) => `${platform.ready.bridge_url}/demo/faq?lang=en` });

for (const each of CASES) {
  test(`a visitor calls over ${each.name}, hears the greeting, interrupts and hangs up`, () => calls.aWholeCall(world, each));
}
test("a visitor types, in Arabic, and is answered", () => calls.aTypedCall(world));
test("all is done by keys alone", () => use.byKeyboard(world));
test("a microphone that is not allowed is no dead end", () => use.withoutMicrophone(world));
test("an outside judge finds no barrier in any state", () => use.accessibly(world));
test("who wants no motion gets none", () => use.withoutMotion(world));
test("a page shows its own buttons, texts and colours", () => use.headlessAndOverridden(world));
test("the bridge shows a bot's widget", () => use.theDemoPage(world));
test("who may not call is told so", () => use.refused(world));
test("React writes it", () => use.byReact(world));
test("a call whose worker dies is followed by another", () => calls.aBrokenCall(world));
// The last: the bot has another key after it.
test("a stranger who follows the documentation has a bot on a page", () => docs.theFiveMinutes(world));
