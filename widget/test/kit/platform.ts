/** A whole platform: `vox up` with the programs that were built, on free ports and a directory of its own. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PATIENCE_MS } from "./chromium.js";

export interface Ready {
  bridge_url: string;
  calls_url: string;
  admin_email: string;
  admin_password: string;
  internal_secret: string;
}

export class Platform {
  private token = "";

  private constructor(
    private readonly process: ChildProcess,
    private readonly directory: string,
    readonly ready: Ready,
  ) {}

  static async start(programs: string, widget: string, more: Record<string, string> = {}): Promise<Platform> {
    const vox = join(programs, "vox");
    for (const name of ["vox", "vox-bridge", "vox-core", "vox-engine"]) {
      if (!existsSync(join(programs, name))) throw new Error(`${name} is missing: cargo build --workspace --bins`);
    }
    const directory = mkdtempSync(join(tmpdir(), "vox-widget-test-"));
    const file = join(directory, "ready.json");
    const data = join(directory, "data");
    const options = ["up", "--port", "0", "--bridge-port", "0", "--workers", "2", "--data-dir", data, "--ready-file", file];
    const env = { ...process.env, ...more, VOX_WIDGET_DIR: widget };
    // A run that is killed must not leave it behind.
    const child = spawn("setpriv", ["--pdeathsig", "TERM", vox, ...options], { env, stdio: ["ignore", "pipe", "pipe"] });
    let said = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (text: Buffer) => (said += text.toString()));
    const deadline = Date.now() + PATIENCE_MS;
    while (!existsSync(file)) {
      if (child.exitCode !== null || Date.now() > deadline) throw new Error(`vox up is not ready:\n${said}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    const platform = new Platform(child, directory, JSON.parse(readFileSync(file, "utf8")) as Ready);
    await platform.logIn();
    return platform;
  }

  /** A request to the API, as its first administrator. */
  async api<T>(method: string, path: string, body?: object): Promise<T> {
    const response = await fetch(this.ready.bridge_url + path, {
      method,
      headers: { "content-type": "application/json", ...(this.token === "" ? {} : { authorization: `Bearer ${this.token}` }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return (text === "" ? undefined : JSON.parse(text)) as T;
  }

  /** Kill the workers with a call, or all: `vox up` starts them again. */
  async killWorkers(): Promise<number> {
    let killed = 0;
    for (const entry of await readdir("/proc")) {
      if (!/^\d+$/.test(entry)) continue;
      const name = await readFile(`/proc/${entry}/comm`, "utf8").catch(() => "");
      const environment = await readFile(`/proc/${entry}/environ`, "utf8").catch(() => "");
      if (name.trim() !== "vox-core" || !environment.includes(this.directory)) continue;
      process.kill(Number(entry), "SIGKILL");
      killed += 1;
    }
    return killed;
  }

  async stop(): Promise<void> {
    const gone = new Promise((resolve) => this.process.once("exit", resolve));
    if (this.process.exitCode === null) {
      // A second signal stops at once.
      this.process.kill("SIGTERM");
      this.process.kill("SIGTERM");
      const timer = setTimeout(() => this.process.kill("SIGKILL"), 20_000);
      await gone;
      clearTimeout(timer);
    }
    rmSync(this.directory, { recursive: true, force: true, maxRetries: 5 });
  }

  private async logIn(): Promise<void> {
    const { admin_email: email, admin_password: password } = this.ready;
    const session = await this.api<{ access_token: string }>("POST", "/api/v1/auth/login", { email, password });
    this.token = session.access_token;
  }
}
