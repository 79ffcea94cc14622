/** What `docs/widget.md` tells a stranger to do, done as it stands. */
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { PATIENCE_MS } from "../kit/chromium.js";
import { AUDIBLE, unexpected, type World, watch } from "./world.js";

const run = promisify(execFile);
const DOCS = "../docs/widget.md";

/** What a stranger has other than the page says: a platform beside others, and a free port. */
function adapted(text: string, changes: [string, string][]): string {
  return changes.reduce((done, [before, after]) => {
    assert.ok(done.includes(before), `${DOCS} has no ${before} any more`);
    return done.replaceAll(before, after);
  }, text);
}

/** The key is made by the marked block, the site is the page's own, and the bot greets whoever calls there. */
export async function theFiveMinutes(world: World): Promise<void> {
  const { bridge_url: bridge, admin_password: password } = world.platform.ready;
  const port = await freePort();
  const origin = `http://localhost:${port}`;
  const { stdout: block } = await run("../scripts/machine/blocks.py", [DOCS, "--", "widget-key"]);
  const commands = adapted(block, [
    ["http://127.0.0.1:8080", bridge],
    ["PASSWORD", password],
    ["http://localhost:3000", origin],
  ]);
  const { stdout: said } = await run("bash", ["-euo", "pipefail", "-c", commands]);
  const key = /"widget_key":"(wk_[^"]+)"\s*$/.exec(said)?.[1];
  assert.ok(key !== undefined, `the block prints the key at its end: ${said}`);

  const html = /^```html\n(.*?)^```$/ms.exec(readFileSync(DOCS, "utf8"))?.[1] ?? "";
  const directory = mkdtempSync(join(tmpdir(), "vox-widget-docs-"));
  writeFileSync(
    join(directory, "index.html"),
    adapted(html, [
      ["http://127.0.0.1:8080", bridge],
      ["wk_…", key],
    ]),
  );
  // A run that is killed must not leave it behind.
  const site = spawn("setpriv", ["--pdeathsig", "TERM", "python3", "-m", "http.server", String(port)], {
    cwd: directory,
    stdio: "ignore",
  });
  try {
    await answers(origin);
    const page = await world.browser.open(`${origin}/`);
    await watch(page);
    await page.click("launcher");
    await page.click("start");
    await page.until("the call begins", `tells("vox-call-start")`);
    await page.until("the greeting is heard", `loudest > ${AUDIBLE}`);
    await page.click("hang-up");
    await page.until("the call ends", `tells("vox-call-end", (d) => d.disconnected_by === "customer")`);
    assert.deepEqual(unexpected(page), []);
    await page.close();
  } finally {
    site.kill();
    rmSync(directory, { recursive: true, force: true });
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function answers(origin: string): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS;
  const isThere = (): Promise<boolean> =>
    fetch(origin).then(
      (answer) => answer.ok,
      () => false,
    );
  while (!(await isThere())) {
    if (Date.now() > deadline) throw new Error(`nothing answers at ${origin}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
