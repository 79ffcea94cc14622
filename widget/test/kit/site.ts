/** A customer's site: pages of another origin than the bridge, under the policy that `docs/widget.md` tells to set. */

import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Ready } from "./platform.js";

export class Site {
  private readonly server: Server;
  private readonly pages = new Map<string, string>();
  origin = "";

  constructor(
    private readonly ready: Ready,
    /** Scripts of the site's own, by their address. */
    private readonly scripts: Record<string, string> = {},
  ) {
    this.server = createServer((request, response) => void this.answer(request, response));
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.server.listen(0, "127.0.0.1", resolve));
    this.origin = `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  stop(): void {
    this.server.close();
    this.server.closeAllConnections();
  }

  /** The address of a page with this in its body. */
  page(body: string, head = ""): string {
    const path = `/page${this.pages.size}`;
    const { bridge_url: bridge } = this.ready;
    this.pages.set(
      path,
      `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>A shop</title>
<script type="module" src="${bridge}/widget/vox-widget.js"></script>${head}</head>
<body><main><h1>A shop</h1>${body}</main></body></html>`,
    );
    return this.origin + path;
  }

  private policy(): string {
    const { bridge_url: bridge, calls_url: calls } = this.ready;
    return [
      "default-src 'none'",
      `script-src 'self' ${bridge}`,
      `connect-src 'self' ${bridge} ${calls.replace("http", "ws")}`,
      "style-src 'none'",
      "require-trusted-types-for 'script'",
      "trusted-types 'none'",
    ].join("; ");
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? "/";
    if (request.method === "POST" && path === "/call") return this.giveTicket(request, response);
    const page = this.pages.get(path);
    if (page !== undefined) {
      response.writeHead(200, { "content-type": "text/html", "content-security-policy": this.policy() });
      response.end(page);
      return;
    }
    const script = this.scripts[path];
    response.writeHead(script === undefined ? 404 : 200, { "content-type": "text/javascript" });
    response.end(script === undefined ? "" : readFileSync(script));
  }

  /** A server of the site's own that asks the bridge: its secret is in no page. */
  private async giveTicket(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = "";
    for await (const piece of request) text += String(piece);
    const { bot_id } = JSON.parse(text) as { bot_id: string };
    const given = await fetch(`${this.ready.bridge_url}/api/v1/internal/talk-tickets`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-voxcore-secret": this.ready.internal_secret },
      body: JSON.stringify({ bot_id }),
    });
    const answer = (await given.json()) as { path: string };
    response.writeHead(given.status, { "content-type": "application/json" });
    response.end(JSON.stringify({ ...answer, url: `${this.ready.calls_url}${answer.path}` }));
  }
}
