/** A real LiveKit server on loopback, by the same script as the other tests'. */
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";

export class LiveKitServer {
  private constructor(
    private readonly process: ChildProcess,
    /** What the platform is told of it. */
    readonly settings: Record<string, string>,
  ) {}

  static start(scripts: string): Promise<LiveKitServer> {
    const child = spawn(`${scripts}/livekit/run.sh`, ["--until-eof"], { stdio: ["pipe", "pipe", "inherit"] });
    const settings: Record<string, string> = {};
    return new Promise((resolve, reject) => {
      child.on("error", reject);
      child.on("exit", (code) => reject(new Error(`the LiveKit server ended with ${code}: run scripts/livekit/install.sh`)));
      createInterface({ input: child.stdout }).on("line", (line) => {
        const [word, first = "", second = ""] = line.split(" ");
        if (word === "keys") Object.assign(settings, { LIVEKIT_API_KEY: first, LIVEKIT_API_SECRET: second });
        if (word !== "ready") return;
        child.removeAllListeners("exit");
        resolve(new LiveKitServer(child, { ...settings, LIVEKIT_URL: first }));
      });
    });
  }

  async stop(): Promise<void> {
    const gone = new Promise((resolve) => this.process.once("exit", resolve));
    this.process.stdin?.end();
    await gone;
  }
}
