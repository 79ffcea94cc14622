// Bundle the tests for node, and the pages that they open: build.mjs OUT
import { build } from "esbuild";

const out = process.argv[2];
const here = new URL("..", import.meta.url).pathname;
const common = {
  absWorkingDir: here,
  bundle: true,
  format: "esm",
  outdir: out,
  outExtension: { ".js": ".mjs" },
  logLevel: "warning",
};
const unit = ["settings", "calls", "text", "net", "sound", "size"].map((name) => `test/unit/${name}.test.ts`);
await build({ ...common, platform: "node", target: "node18", entryPoints: unit, outdir: `${out}/unit` });
await build({ ...common, platform: "node", target: "node18", entryPoints: { "browser/main.test": "test/browser/main.test.ts" } });
await build({
  ...common,
  entryPoints: { react_page: "test/browser/react_page.ts" },
  define: { "process.env.NODE_ENV": '"production"' },
});
