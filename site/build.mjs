// Bundles the front end into one page without data, which the Rust binary carries: `dist/index.html`.
//
// The same sources and lock file give the same bytes, which CI holds the committed page to.

import { mkdir, readFile, readdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { build } from "esbuild";

const minified = { bundle: true, minify: true, write: false, target: "es2022", legalComments: "none", charset: "utf8" };

/** The folders of the packages that went into a bundle. */
const packages = new Set();

/** One bundle's text. */
async function bundled(options) {
  const result = await build({ ...minified, metafile: true, ...options });
  for (const input of Object.keys(result.metafile.inputs)) {
    const folder = input.match(/^node_modules\/(?:@[^/]+\/)?[^/]+/);
    if (folder) packages.add(folder[0]);
  }
  return result.outputFiles[0].text;
}

/** What the licences of those packages want to be said wherever the page goes. */
async function licences() {
  const texts = [...packages].sort().map(async (folder) => {
    const { name, version, license } = JSON.parse(await readFile(path.join(folder, "package.json"), "utf8"));
    const file = (await readdir(folder)).filter((file) => /^licen[cs]e/i.test(file)).sort()[0];
    if (!file) throw new Error(`${name} has no licence file`);
    return `${name} ${version} (${license})\n\n${(await readFile(path.join(folder, file), "utf8")).trim()}\n`;
  });
  return (await Promise.all(texts)).join(`\n${"-".repeat(80)}\n\n`);
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
const notices = await licences();
const shell = await readFile("src/index.html", "utf8");
const page = shell
  .replace("/*style*/", () => style.trim())
  .replace("/*licences*/", () => notices.replaceAll("</script", "<\\/script"))
  // What would end the script early is only ever inside a string.
  .replace("/*script*/", () => script.trim().replaceAll("</script", "<\\/script"));
await mkdir("dist", { recursive: true });
await writeFile("dist/index.html", page);
console.log(`dist/index.html: ${Math.round(page.length / 1024)} kB`);
