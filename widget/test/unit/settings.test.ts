import assert from "node:assert/strict";
import { test } from "node:test";
import { type Attribute, readSettings } from "../../src/settings.js";

function read(attributes: Partial<Record<Attribute, string>>) {
  return readSettings((name) => attributes[name] ?? null, {
    origin: "https://bridge.example",
    base: "https://shop.example/cart/",
  });
}

test("a bot and its key are enough", () => {
  const { settings, faults } = read({ bot: " faq ", "api-key": "wk_1" });
  assert.deepEqual(faults, []);
  assert.equal(settings.bot, "faq");
  assert.equal(settings.server, "https://bridge.example");
  assert.deepEqual(settings.modalities, ["voice", "text"]);
  assert.deepEqual([settings.mode, settings.transport, settings.captions], ["floating", "auto", true]);
});

test("a server is an origin, and an address of the page's own may be relative", () => {
  const { settings, faults } = read({ bot: "b", server: "https://vox.example/x?y", "token-url": "/call" });
  assert.deepEqual(faults, []);
  assert.deepEqual([settings.server, settings.tokenUrl], ["https://vox.example", "https://shop.example/call"]);
});

test("everything wrong is said at once, and the rest still works", () => {
  const { settings, faults } = read({
    mode: "sideways",
    captions: "yes",
    modalities: "voice, smell",
    variables: "{",
    strings: '{"title": 7}',
    "terms-url": "javascript:alert(1)",
  });
  for (const name of ["bot", "api-key", "mode", "captions", "modalities", "variables", "strings", "terms-url"]) {
    assert.ok(
      faults.some((fault) => fault.startsWith(name)),
      `${name} in ${faults.join("; ")}`,
    );
  }
  assert.deepEqual([settings.mode, settings.termsUrl, settings.modalities], ["floating", "", ["voice"]]);
});
