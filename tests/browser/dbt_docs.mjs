// Opens dbt's own documentation page over artifacts, and sees that it shows what they say.
//
//     node dbt_docs.mjs DBT_INDEX_HTML TARGET_DIR SCREENSHOT_DIR
//
// DBT_INDEX_HTML is the page as dbt-core carries it, dbt/task/docs/index.html; TARGET_DIR holds manifest.json and
// catalog.json. The browser is Chromium, at $CHROMIUM or /usr/bin/chromium. Whatever the page asks of other hosts is
// refused.
//
// Looked at are the overview; of each kind of node the pages of a few, with their names, descriptions, columns and
// types, statistics and SQL; and lineage graphs. Each leaves a screenshot. Prints a line for each page; exit code 1,
// and what is missing below its line, if anything is. The page must log no error.

import { mkdir, readFile } from "node:fs/promises";
import { createServer } from "node:http";
import path from "node:path";
import { chromium } from "playwright-core";

/** Pages looked at of each kind. */
const OF_EACH = 3;
/** Kinds that must be there, and others that may. */
const REQUIRED = ["model", "source", "exposure", "test"];
const OTHERS = ["seed", "snapshot", "unit_test"];
/** Kinds whose SQL is shown as compiled. */
const COMPILED = ["model", "snapshot", "test"];
/** Milliseconds to wait for something to show. */
const PATIENCE = 5_000;

const [index, target, screenshots] = process.argv.slice(2);
if (!screenshots) {
  console.error("usage: node dbt_docs.mjs DBT_INDEX_HTML TARGET_DIR SCREENSHOT_DIR");
  process.exit(2);
}

const files = {
  "/": { type: "text/html; charset=utf-8", body: await readFile(index) },
  "/manifest.json": { type: "application/json", body: await readFile(path.join(target, "manifest.json")) },
  "/catalog.json": { type: "application/json", body: await readFile(path.join(target, "catalog.json")) },
};
const manifest = JSON.parse(files["/manifest.json"].body);
const catalog = JSON.parse(files["/catalog.json"].body);
const nodes = ["nodes", "sources", "exposures", "unit_tests"].flatMap((all) => Object.values(manifest[all] ?? {}));

/** The three files, on a port of this machine's that is free. */
async function serve() {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url, "http://localhost");
    const file = files[pathname];
    // dbt's page asks for icons before it has filled in their addresses, and for one whose address it never does.
    if (!file) return response.writeHead(/%7B%7B|favicon/.test(pathname) ? 204 : 404).end();
    response.writeHead(200, { "content-type": file.type }).end(file.body);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { server, origin: `http://127.0.0.1:${server.address().port}` };
}

/** A page that reaches nothing but `origin`, and the errors that it logs. */
async function open(browser, origin) {
  const context = await browser.newContext({ viewport: { width: 1400, height: 1500 }, locale: "en-US" });
  await context.route(
    (url) => url.origin !== origin,
    (route) => route.abort(),
  );
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE);
  const errors = [];
  const isOurs = (url) => url === "" || url.startsWith(origin);
  page.on("pageerror", (error) => errors.push(String(error.stack ?? error)));
  page.on("console", (message) => {
    if (message.type() === "error" && isOurs(message.location().url)) errors.push(message.text());
  });
  page.on("response", (response) => {
    if (response.status() >= 400) errors.push(`${response.status()} ${response.url()}`);
  });
  return { page, errors };
}

/** What there is to look at: first those of a kind of which most is said. */
function chosen(kind) {
  const said = (node) => {
    const known = catalogued(node);
    const columns = Object.values(node.columns ?? {});
    const things = [known, known?.stats.num_rows, node.description, columns.some((column) => column.description)];
    return things.filter(Boolean).length;
  };
  const all = nodes.filter((node) => node.resource_type === kind);
  return all.toSorted((a, b) => said(b) - said(a)).slice(0, OF_EACH);
}

function catalogued(node) {
  return catalog.nodes[node.unique_id] ?? catalog.sources[node.unique_id];
}

/** The words of a text, without what Markdown marks them with; some are shown in capitals. Of links, not where to. */
function words(text) {
  return (text.toLowerCase().replace(/\]\([^)]*\)/g, "]").match(/[\p{L}\p{N}]+/gu) ?? []).join(" ");
}

/** A text with its blanks made alike. */
function even(text) {
  return text.replace(/\s+/g, " ").trim();
}

/** Looks at a page; what is missing is collected. */
class Look {
  missing = [];

  constructor(page) {
    this.page = page;
  }

  /** Something that is to be shown as it is. */
  expect(what, wanted, found) {
    if (wanted !== found) this.missing.push(`${what}: ${JSON.stringify(wanted)}, shown is ${JSON.stringify(found)}`);
  }

  /** A text of which the words are to be shown, in their order. */
  expectWords(what, wanted, found) {
    if (!` ${words(found)} `.includes(` ${words(wanted)} `)) this.missing.push(`${what}: ${JSON.stringify(wanted)}`);
  }

  /** What is shown under a heading. */
  section(id) {
    return this.page.locator("section.section:visible").filter({ has: this.page.locator(`#${id}`) });
  }

  /** Its text; nothing if it is not shown. */
  async text(id) {
    return (await this.section(id).allInnerTexts()).join("\n");
  }
}

/** Goes to an address within the page, and waits for the heading there. */
async function go(look, address, heading) {
  await look.page.evaluate((hash) => location.assign(hash), address);
  const title = look.page.locator(".app-title h1 .break");
  await title.filter({ hasText: heading }).first().waitFor().catch(() => undefined);
  look.expect("the name", heading, even((await title.allInnerTexts()).join(" ")));
}

async function overviewPage(look) {
  const { page } = look;
  await page.waitForFunction(() => document.querySelector(".app-menu, .app-sidebar")?.innerText.trim());
  const text = await page.locator("body").innerText();
  const written = Object.values(manifest.docs).find(({ name }) => name === "__overview__");
  if (written) look.expectWords("the overview", written.block_contents, text);
  look.expectWords("the project", manifest.metadata.project_name, text);
  for (const source of new Set(Object.values(manifest.sources).map((source) => source.source_name))) {
    look.expectWords("a source in the menu", source, text);
  }
}

async function nodePage(look, node) {
  const { page } = look;
  const kind = node.resource_type;
  const names = { source: `${node.source_name}.${node.name}`, exposure: node.label || node.name };
  await go(look, `#!/${kind}/${node.unique_id}`, names[kind] ?? node.name);
  if (node.description) look.expectWords("the description", node.description, await look.text("description"));
  const details = await look.text("details");
  for (const tag of kind === "test" || kind === "unit_test" ? [] : (node.tags ?? [])) {
    look.expectWords("a tag", tag, details);
  }
  if (kind === "exposure") {
    for (const said of [node.owner.name, node.owner.email, node.maturity].flat().filter(Boolean)) {
      look.expectWords("a detail", said, details);
    }
    look.expect("the address", node.url ?? "", (await page.locator(".app-title a.btn").getAttribute("href")) ?? "");
  }
  const above = node.depends_on?.nodes ?? [];
  if (above.length > 0) await dependsOn(look, above);
  const known = catalogued(node);
  if (known) {
    await columns(look, node, known);
    await statistics(look, known);
  }
  if (COMPILED.includes(kind)) await compiled(look, node);
}

/** What is read, under a tab for each kind. */
async function dependsOn(look, above) {
  const section = look.section("depends_on");
  const links = [];
  for (const tab of await section.locator(".nav-tabs a").all()) {
    await tab.click();
    links.push(...(await section.locator("ul.list-unstyled a").allInnerTexts()));
  }
  for (const { unique_id, name } of nodes.filter((node) => above.includes(node.unique_id))) {
    if (!links.includes(name)) look.missing.push(`what it depends on: ${unique_id}`);
  }
}

async function columns(look, node, known) {
  const rows = look.page.locator("tr.column-row:visible");
  const shown = new Map();
  for (const row of await rows.all()) {
    const [name, type, description] = await row.locator("td").allInnerTexts();
    shown.set(even(name), { type: even(type), description });
  }
  for (const { name, type } of Object.values(known.columns)) {
    const found = shown.get(name);
    if (!found) {
      look.missing.push(`the column \`${name}\``);
      continue;
    }
    look.expect(`the type of \`${name}\``, type, found.type);
    const said = node.columns[name]?.description;
    if (said) look.expectWords(`the description of \`${name}\``, said, found.description);
  }
  const unknown = [...shown.keys()].filter((name) => !known.columns[name] && !node.columns[name]);
  if (unknown.length > 0) look.missing.push(`columns that are shown but not known: ${unknown.join(", ")}`);
}

async function statistics(look, known) {
  const found = new Map();
  for (const detail of await look.page.locator("dl.detail:visible").all()) {
    // Labels may be shown in capitals.
    found.set(even(await detail.locator("dt").textContent()), even(await detail.locator("dd").innerText()));
  }
  for (const { id, label, value, include } of Object.values(known.stats)) {
    if (!include) continue;
    const shown = found.get(label);
    // A size is shown in a unit that suits it.
    if (id === "bytes" && /[0-9]/.test(shown ?? "")) continue;
    look.expect(`the statistic \`${label}\``, id === "num_rows" ? value.toLocaleString("en-US") : String(value), shown);
  }
}

async function compiled(look, node) {
  const section = look.section("code");
  const tab = section.locator(".nav-tabs a", { hasText: /^\s*compiled\s*$/i });
  if ((await tab.count()) === 0) {
    look.missing.push("the tab of the compiled SQL");
    return;
  }
  await tab.click();
  await section.locator("li.active", { hasText: /compiled/i }).waitFor();
  look.expect("the compiled SQL", even(node.compiled_code ?? ""), even(await section.locator("code").innerText()));
}

/** The graph around a node. */
async function lineageGraph(look, node) {
  const { page } = look;
  const name = node.resource_type === "source" ? `source:${node.source_name}.${node.name}` : node.name;
  const address = `#!/${node.resource_type}/${node.unique_id}?g_v=1&g_i=${encodeURIComponent(`+${name}+`)}`;
  await page.evaluate((hash) => location.assign(hash), address);
  // The address says what the graph shows only to a page that starts there.
  await page.reload();
  await page.locator("#cy canvas").first().waitFor({ state: "visible" });
  const graph = page.locator("#cy");
  const until = Date.now() + PATIENCE;
  let colors = 0;
  while (colors < 4 && Date.now() < until) {
    await page.waitForTimeout(250);
    colors = await colorsOf(page, await graph.screenshot());
  }
  if (colors < 4) look.missing.push(`the graph: its picture has ${colors} colours`);
}

/** How many colours a picture has, leaving out those of single pixels. */
async function colorsOf(page, png) {
  return page.evaluate(async (data) => {
    const image = new Image();
    image.src = `data:image/png;base64,${data}`;
    await image.decode();
    const canvas = new OffscreenCanvas(image.width, image.height);
    const context = canvas.getContext("2d");
    context.drawImage(image, 0, 0);
    const pixels = new Uint32Array(context.getImageData(0, 0, image.width, image.height).data.buffer);
    const counts = new Map();
    for (const pixel of pixels) counts.set(pixel, (counts.get(pixel) ?? 0) + 1);
    return [...counts.values()].filter((count) => count > 20).length;
  }, png.toString("base64"));
}

async function main() {
  await mkdir(screenshots, { recursive: true });
  const { server, origin } = await serve();
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
    args: ["--no-sandbox"],
  });
  let failures = 0;
  try {
    const { page, errors } = await open(browser, origin);
    const looks = [["overview", overviewPage]];
    for (const kind of [...REQUIRED, ...OTHERS]) {
      const some = chosen(kind);
      if (some.length === 0 && REQUIRED.includes(kind)) {
        console.log(`FAIL ${kind}\n       manifest.json has none`);
        failures++;
      }
      for (const one of some) looks.push([one.unique_id, (look) => nodePage(look, one)]);
    }
    for (const one of [...chosen("model").slice(0, 1), ...chosen("source").slice(0, 1)]) {
      looks.push([`lineage of ${one.unique_id}`, (look) => lineageGraph(look, one)]);
    }
    await page.goto(`${origin}/`);
    for (const [at, [name, what]] of looks.entries()) {
      const look = new Look(page);
      await what(look).catch((error) => look.missing.push(error.message.split("\n")[0]));
      const file = `${String(at + 1).padStart(2, "0")}-${name.replace(/[^\w.-]+/g, "_")}.png`;
      await page.screenshot({ path: path.join(screenshots, file) });
      const missing = [...look.missing, ...errors.splice(0).map((error) => `logged: ${error}`)];
      console.log(`${missing.length > 0 ? "FAIL" : "ok  "} ${name}`);
      for (const line of missing) console.log(`       ${line}`);
      failures += missing.length;
    }
    console.log(`${looks.length} pages, ${failures || "nothing"} missing`);
  } finally {
    await browser.close();
    server.close();
  }
  return failures === 0;
}

process.exitCode = (await main()) ? 0 : 1;
