// Bundles the front end into one page without data, which the Rust binary carries: `dist/index.html`.
//
// The same sources and lock file give the same bytes, which CI holds the committed page to.

import { mkdir, readFile, writeFile } from "node:fs/promises";
import { build } from "esbuild";

const minified = { bundle: true, minify: true, write: false, target: "es2022", legalComments: "none", charset: "utf8" };

/** One bundle's text. */
async function bundled(options) {
  const result = await build({ ...minified, ...options });
  return result.outputFiles[0].text;
}

// The layout runs in a worker, which a page opened from a disk can only start from text that it carries.
const worker = await bundled({ entryPoints: ["src/graph/worker.ts"], format: "iife" });
const script = await bundled({
  entryPoints: ["src/main.tsx"],
  format: "iife",
  jsx: "automatic",
  jsxImportSource: "preact",
  define: { LAYOUT_WORKER: JSON.stringify(worker) },
});
const style = await bundled({ entryPoints: ["src/style.css"] });
const shell = await readFile("src/index.html", "utf8");
const page = shell
  .replace("/*style*/", () => style.trim())
  // What would end the script early is only ever inside a string.
  .replace("/*script*/", () => script.trim().replaceAll("</script", "<\\/script"));
await mkdir("dist", { recursive: true });
await writeFile("dist/index.html", page);
console.log(`dist/index.html: ${Math.round(page.length / 1024)} kB`);
