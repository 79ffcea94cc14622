// Bundle the widget into dist/: what a page loads, and nothing else.
//
//   vox-widget.js     the one script of a page
//   vox-worklet.js    the audio thread
//   vox-livekit-….js  LiveKit's client, loaded when a call needs it
//   vox-react.js      the wrapper for React
//   demo.js, demo.css of the bridge's demo page
import { cp, readdir, rename, rm } from "node:fs/promises";
import { build } from "esbuild";

const out = new URL("./dist/", import.meta.url).pathname;
const next = new URL("./dist.new/", import.meta.url).pathname;
const common = {
  absWorkingDir: new URL(".", import.meta.url).pathname,
  bundle: true,
  format: "esm",
  target: ["es2022", "chrome116", "firefox121", "safari17"],
  minify: true,
  legalComments: "linked",
  outdir: next,
  logLevel: "warning",
};

await rm(next, { recursive: true, force: true });
await build({ ...common, entryPoints: { "vox-widget": "src/index.ts" }, splitting: true, chunkNames: "vox-[name]-[hash]" });
await build({ ...common, entryPoints: { "vox-worklet": "src/worklet/index.ts", demo: "demo/demo.ts" } });
await build({ ...common, entryPoints: { "vox-react": "react/index.ts" }, external: ["react"] });
await cp(new URL("./demo/demo.css", import.meta.url), new URL("./dist.new/demo.css", import.meta.url));
// A page that loads it meanwhile gets the old files or the new ones.
await rm(out, { recursive: true, force: true });
await rename(next, out);
for (const name of (await readdir(out)).sort()) console.log(`widget/dist/${name}`);
