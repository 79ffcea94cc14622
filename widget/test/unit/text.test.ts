import assert from "node:assert/strict";
import { test } from "node:test";
import { en } from "../../src/text/en.js";
import { chooseLanguage, LANGUAGES, unknownTexts } from "../../src/text/index.js";

test("every language has every text, and none is English left over", () => {
  for (const [tag, texts] of Object.entries(LANGUAGES)) {
    assert.deepEqual(Object.keys(texts).sort(), Object.keys(en).sort(), tag);
    const same = Object.entries(texts).filter(([name, text]) => text === en[name as keyof typeof en]);
    assert.ok(tag === "en" || same.length <= 2, `${tag}: ${same.map(([name]) => name).join(", ")}`);
    assert.ok(
      Object.values(texts).every((text) => text.trim() !== ""),
      tag,
    );
    assert.ok(texts.device.includes("{n}"), tag);
  }
});

test("the first wish that is known counts, and the page's own texts before all", () => {
  assert.equal(chooseLanguage(["pt-BR", "de-AT", "fr"], {}).tag, "de");
  assert.equal(chooseLanguage(["xx"], {}).tag, "en");
  const arabic = chooseLanguage(["ar-EG"], { title: "أهلًا" });
  assert.deepEqual([arabic.direction, arabic.text("title")], ["rtl", "أهلًا"]);
  assert.equal(chooseLanguage(["hi"], {}).direction, "ltr");
  assert.deepEqual(unknownTexts({ title: "x", tilte: "y" }), ["tilte"]);
});
