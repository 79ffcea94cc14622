/** A headless Chromium, spoken to by the DevTools protocol over a pipe: no port, no library. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Readable, Writable } from "node:stream";

/** For anything that a page is waited for: a debug build on a busy machine takes its time. */
export const PATIENCE_MS = 60_000;

type Fields = Record<string, unknown>;

interface Waiting {
  resolve(result: Fields): void;
  reject(error: Error): void;
}

export interface BrowserOptions {
  /** What the microphone hears, over and over. */
  microphone: string;
}

export class Browser {
  private readonly waiting = new Map<number, Waiting>();
  private readonly listeners = new Map<string, (method: string, params: Fields) => void>();
  private newest = 0;
  private rest = Buffer.alloc(0);

  private constructor(
    private readonly process: ChildProcess,
    private readonly input: Writable,
    output: Readable,
    private readonly profile: string,
  ) {
    output.on("data", (piece: Buffer) => this.take(piece));
    process.on("exit", () => {
      for (const { reject } of this.waiting.values()) reject(new Error("the browser has ended"));
      this.waiting.clear();
    });
  }

  static async start({ microphone }: BrowserOptions): Promise<Browser> {
    const program = process.env["VOX_TEST_CHROMIUM"] ?? "/usr/bin/chromium";
    if (!existsSync(program)) throw new Error(`there is no ${program}: run scripts/widget/install.sh`);
    const profile = mkdtempSync(join(tmpdir(), "vox-widget-test-"));
    const options = [
      "--headless=new",
      "--remote-debugging-pipe",
      `--user-data-dir=${profile}`,
      "--no-first-run",
      "--disable-gpu",
      "--disable-dev-shm-usage",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-extensions",
      "--hide-scrollbars",
      "--window-size=900,800",
      "--use-fake-device-for-media-stream",
      `--use-file-for-fake-audio-capture=${microphone}`,
      // Root has no use of the sandbox, and Chromium refuses it.
      ...(process.getuid?.() === 0 ? ["--no-sandbox"] : []),
    ];
    const child = spawn(program, options, { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] });
    const browser = new Browser(child, child.stdio[3] as Writable, child.stdio[4] as Readable, profile);
    await browser.ask("Browser.getVersion");
    return browser;
  }

  async version(): Promise<string> {
    return String((await this.ask("Browser.getVersion"))["product"]);
  }

  /** A page in a profile of its own; the microphone is allowed, or not. */
  async open(url: string, microphone: "granted" | "denied" = "granted"): Promise<Page> {
    const { browserContextId } = await this.ask("Target.createBrowserContext");
    const origin = new URL(url).origin;
    const setting = { permission: { name: "microphone" }, setting: microphone, origin, browserContextId };
    await this.ask("Browser.setPermission", setting);
    const { targetId } = await this.ask("Target.createTarget", { url: "about:blank", browserContextId });
    const { sessionId } = await this.ask("Target.attachToTarget", { targetId, flatten: true });
    const page = new Page(this, String(sessionId), String(browserContextId));
    this.listeners.set(page.session, (method, params) => page.note(method, params));
    for (const domain of ["Page", "Runtime", "Log", "Network"]) await page.ask(`${domain}.enable`);
    await page.go(url);
    return page;
  }

  ask(method: string, params: Fields = {}, sessionId?: string): Promise<Fields> {
    this.newest += 1;
    const id = this.newest;
    const message = JSON.stringify({ id, method, params, ...(sessionId === undefined ? {} : { sessionId }) });
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject: (error) => reject(new Error(`${method}: ${error.message}`)) });
      this.input.write(`${message}\0`);
    });
  }

  async stop(): Promise<void> {
    const gone = new Promise((resolve) => this.process.once("exit", resolve));
    await this.ask("Browser.close").catch(() => undefined);
    const timer = setTimeout(() => this.process.kill("SIGKILL"), 5_000);
    await gone;
    clearTimeout(timer);
    rmSync(this.profile, { recursive: true, force: true, maxRetries: 5 });
  }

  private take(piece: Buffer): void {
    this.rest = Buffer.concat([this.rest, piece]);
    for (let end = this.rest.indexOf(0); end >= 0; end = this.rest.indexOf(0)) {
      const message = JSON.parse(this.rest.subarray(0, end).toString()) as Fields;
      this.rest = this.rest.subarray(end + 1);
      this.dispatch(message);
    }
  }

  private dispatch(message: Fields): void {
    const waiting = this.waiting.get(Number(message["id"]));
    if (waiting === undefined) {
      this.listeners.get(String(message["sessionId"]))?.(String(message["method"]), message["params"] as Fields);
      return;
    }
    this.waiting.delete(Number(message["id"]));
    const error = message["error"] as { message: string } | undefined;
    if (error === undefined) waiting.resolve((message["result"] ?? {}) as Fields);
    else waiting.reject(new Error(error.message));
  }
}

export class Page {
  /** What the page and the browser complained of. */
  readonly complaints: string[] = [];
  private loaded: (() => void) | undefined;

  constructor(
    private readonly browser: Browser,
    readonly session: string,
    private readonly context: string,
  ) {}

  ask(method: string, params: Fields = {}): Promise<Fields> {
    return this.browser.ask(method, params, this.session);
  }

  async go(url: string): Promise<void> {
    const loaded = new Promise<void>((resolve) => {
      this.loaded = resolve;
    });
    const { errorText } = await this.ask("Page.navigate", { url });
    if (errorText !== undefined) throw new Error(`${url}: ${String(errorText)}`);
    await loaded;
  }

  /** What an expression comes to, promises awaited. */
  async value<T>(expression: string): Promise<T> {
    const told = await this.ask("Runtime.evaluate", { expression, awaitPromise: true, returnByValue: true });
    const exception = told["exceptionDetails"] as { exception?: { description?: string }; text: string } | undefined;
    if (exception !== undefined) throw new Error(exception.exception?.description ?? exception.text);
    return (told["result"] as { value: T }).value;
  }

  /** Wait until an expression is true. */
  async until(what: string, expression: string, patience = PATIENCE_MS): Promise<void> {
    const deadline = Date.now() + patience;
    while (!(await this.value<boolean>(`Boolean(${expression})`))) {
      if (Date.now() > deadline) {
        const state = await this.value<string>("JSON.stringify(window.told ?? null)").catch(() => "?");
        throw new Error(`not in time: ${what}\ntold: ${state}\ncomplaints: ${this.complaints.join("\n")}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** Press the mouse on a part of the widget: a gesture as a visitor's. */
  async click(part: string): Promise<void> {
    const place = await this.value<{ x: number; y: number } | null>(`(() => {
      const found = document.querySelector("vox-widget").shadowRoot.querySelector('[part~="${part}"]');
      if (!found?.checkVisibility()) return null;
      found.scrollIntoView({ block: "center" });
      const { x, y, width, height } = found.getBoundingClientRect();
      return { x: x + width / 2, y: y + height / 2 };
    })()`);
    if (place === null) throw new Error(`nothing to click: ${part}`);
    for (const type of ["mousePressed", "mouseReleased"]) {
      await this.ask("Input.dispatchMouseEvent", { type, ...place, button: "left", clickCount: 1 });
    }
  }

  async press(key: string, code = key, text?: string): Promise<void> {
    const keys: Record<string, number> = { Enter: 13, Escape: 27, Tab: 9, " ": 32 };
    const common = { key, code, windowsVirtualKeyCode: keys[key] ?? key.toUpperCase().charCodeAt(0) };
    await this.ask("Input.dispatchKeyEvent", { type: "keyDown", ...common, ...(text === undefined ? {} : { text }) });
    await this.ask("Input.dispatchKeyEvent", { type: "keyUp", ...common });
  }

  async type(text: string): Promise<void> {
    await this.ask("Input.insertText", { text });
  }

  async screenshot(file: string): Promise<void> {
    const { data } = await this.ask("Page.captureScreenshot", { format: "png" });
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, Buffer.from(String(data), "base64"));
  }

  async close(): Promise<void> {
    await this.browser.ask("Target.disposeBrowserContext", { browserContextId: this.context });
  }

  note(method: string, params: Fields): void {
    switch (method) {
      case "Page.loadEventFired":
        this.loaded?.();
        return;
      case "Runtime.exceptionThrown": {
        const details = params["exceptionDetails"] as { text: string; exception?: { description?: string } };
        this.complaints.push(details.exception?.description ?? details.text);
        return;
      }
      case "Log.entryAdded": {
        const entry = params["entry"] as { level: string; text: string; url?: string };
        if (entry.level === "error") this.complaints.push(`${entry.text} ${entry.url ?? ""}`);
        return;
      }
      case "Runtime.consoleAPICalled": {
        const args = params["args"] as { value?: unknown; description?: string }[];
        const said = args.map((arg) => String(arg.value ?? arg.description)).join(" ");
        if (["error", "warning"].includes(String(params["type"]))) this.complaints.push(said);
        return;
      }
    }
  }
}
