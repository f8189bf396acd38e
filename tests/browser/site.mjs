// The documentation site in a real browser: from a disk and from `docs serve`, as somebody would use it.
//
//   node site.mjs HEADWATER PROJECT SPLIT_PROJECT SCREENSHOTS
//
// PROJECT is the smart-meter project, built, with `docs generate` done; SPLIT_PROJECT any project with `docs generate
// --split` done. What the page shows is compared with what the command line says of the same project.

import { spawn, execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, statSync } from "node:fs";
import http from "node:http";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const [headwater, project, splitProject, screenshots] = process.argv.slice(2);
mkdirSync(screenshots, { recursive: true });

const faults = [];
let checks = 0;

function check(what, holds, found) {
  checks += 1;
  if (!holds) faults.push(found === undefined ? what : `${what}: ${JSON.stringify(found)}`);
}

const equal = (what, found, wanted) =>
  check(what, JSON.stringify(found) === JSON.stringify(wanted), { found, wanted });

/** What the command line says of the project. */
const says = (...args) => execFileSync(headwater, ["--project-dir", project, ...args], { encoding: "utf8" });

/** The folder with a project's artifacts. */
function target(folder) {
  for (const name of ["target/headwater", "target"]) {
    try {
      statSync(path.join(folder, name, "docs", "index.html"));
      return path.join(folder, name);
    } catch {
      // The other one, then.
    }
  }
  throw new Error(`${folder} has no documentation: run docs generate first`);
}

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox"],
});

/** A page on which nothing may go wrong, and which may ask nobody else for anything. */
async function opened(url, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1360, height: 860 }, ...options });
  const page = await context.newPage();
  const home = new URL(url);
  page.on("console", (message) => message.type() === "error" && faults.push(`console: ${message.text()}`));
  page.on("pageerror", (error) => faults.push(`uncaught: ${error.message}`));
  page.on("request", (request) => {
    const to = new URL(request.url());
    const own = ["data:", "blob:"].includes(to.protocol) || (to.protocol === home.protocol && to.host === home.host);
    if (!own) faults.push(`asked ${request.url()}`);
  });
  await page.goto(url);
  await page.waitForSelector("h1, .graph");
  return page;
}

const shot = (page, name) => page.screenshot({ path: path.join(screenshots, `${name}.png`) });
const texts = (page, selector) => page.$$eval(selector, (all) => all.map((one) => one.textContent.trim()));

/** All that a reader does, wherever the page comes from. */
async function read(url, name) {
  const page = await opened(url);
  equal(`${name}: the overview's title`, await page.textContent("h1"), "smart_meters");
  check(`${name}: the overview's text`, (await page.textContent(".markdown")).includes("Half-hourly readings"));
  await shot(page, `${name}-overview`);

  // Find a model by search.
  await page.keyboard.press("/");
  await page.keyboard.type("stg_read");
  await page.waitForSelector("#found [role=option]");
  check(`${name}: search finds the model`, (await texts(page, "#found [role=option]"))[0].startsWith("stg_readings"));
  await shot(page, `${name}-search`);
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.querySelector("h1")?.textContent.startsWith("stg_readings"));
  await page.keyboard.press("/");
  await page.keyboard.type("lexicographically");
  await page.waitForSelector("#found mark");
  check(`${name}: search reads descriptions`, (await texts(page, "#found .where")).includes("description"));
  await page.fill("#search", "row_number");
  await page.waitForSelector("#found .where:has-text('SQL')");
  check(`${name}: search reads SQL`, (await texts(page, "#found mark")).includes("row_number"));
  await page.keyboard.press("Escape");

  // Read its columns: they are the catalog's.
  const id = "model.smart_meters.stg_readings";
  const catalog = JSON.parse(readFileSync(path.join(target(project), "catalog.json"), "utf8"));
  const known = Object.values(catalog.nodes[id].columns).sort((a, b) => a.index - b.index);
  equal(`${name}: column names`, await texts(page, "table.columns tbody th"), known.map((column) => column.name));
  equal(`${name}: column types`, await texts(page, "table.columns .type"), known.map((column) => column.type));
  equal(`${name}: column descriptions`, await texts(page, "table.columns tbody td:nth-child(3)"), known.map((column) => column.comment ?? ""));
  const rows = catalog.nodes[id].stats.num_rows.value.toLocaleString("en");
  check(`${name}: how many rows it has`, (await texts(page, ".facts dd")).includes(rows));
  await page.waitForSelector("#sql");
  check(`${name}: its SQL as written`, (await page.textContent(".code code")).includes("{{ ref("));
  await page.click("text=compiled");
  check(`${name}: its compiled SQL`, !(await page.textContent(".code code")).includes("{{"));
  check(`${name}: its SQL is coloured`, (await page.$$(".code .hljs-keyword")).length > 3);
  check(`${name}: its versions`, (await texts(page, "section[aria-labelledby=versions] tbody tr"))[0]?.length > 20);
  check(`${name}: its tests passed`, (await texts(page, "td.tests .status")).includes("pass"));
  await shot(page, `${name}-model`);

  // Follow a column through the graph: it leads where the command line says.
  await page.click("#column-meterpoint_id >> text=trace");
  await page.waitForSelector(".column.traced");
  const lineage = JSON.parse(says("lineage", "stg_readings.meterpoint_id", "--format", "json"));
  const wanted = new Set(lineage.columns.map((column) => `${column.node.split(".").slice(2).join(".")}.${column.column}`));
  const shown = await page.$$eval(".column.on-trace", (all) =>
    all.map((one) => one.getAttribute("aria-label").replace(/^column (.*) of (.*)$/, "$2.$1")),
  );
  equal(`${name}: where a column leads`, [...new Set(shown)].sort(), [...wanted].sort());
  check(`${name}: every step is drawn`, (await page.$$(".step")).length >= lineage.edges.length);
  await page.waitForTimeout(400);
  await shot(page, `${name}-column`);
  await page.click(".panel >> text=total_consumption_half_hour.meterpoint_count");
  await page.waitForFunction(() => location.hash.includes("column=meterpoint_count"));
  equal(`${name}: the panel tells of the column`, await page.textContent(".panel h3 code"), "meterpoint_count");

  // The address is all that somebody else needs.
  const again = await opened(page.url());
  await again.waitForSelector(".column.traced");
  equal(`${name}: a shared address`, await again.textContent(".panel h3 code"), "meterpoint_count");
  await again.context().close();

  // The selector box speaks dbt.
  await page.click("text=Reset");
  for (const selector of ["+stg_readings", "path:models/staging,+gold_avg_half_hour_by_product", "source:files+ resource_type:exposure"]) {
    await page.fill("#select", selector);
    await page.keyboard.press("Enter");
    const listed = says("list", "--select", selector, "--output", "json").trim().split("\n").map((line) => JSON.parse(line));
    const count = listed.filter((node) => !["test", "unit_test"].includes(node.resource_type)).length;
    await page.waitForFunction((wanted) => document.querySelector(".shown-count")?.textContent === wanted, `${count} node${count === 1 ? "" : "s"}`).catch(
      async () => faults.push(`${name}: ${selector} gives ${await page.textContent(".shown-count")}, list ${count}`),
    );
    checks += 1;
  }
  await page.waitForTimeout(400);
  await shot(page, `${name}-selector`);
  await page.fill("#select", "tag:nothing_of_that_name");
  await page.keyboard.press("Enter");
  await page.waitForSelector("[role=alert]");
  await page.fill("#select", "method:x");
  await page.keyboard.press("Enter");
  await page.waitForSelector(".error[role=alert]");
  check(`${name}: a wrong selector is told`, (await page.textContent("[role=alert]")).includes("method"));

  // By keys alone.
  await page.click("text=Reset");
  await page.waitForSelector('[data-at][aria-label="source files.readings"], [data-at][aria-label$="files.readings"]');
  await page.focus('[data-at][aria-label$="files.readings"]');
  await page.keyboard.press("ArrowRight");
  await page.waitForFunction(() => document.activeElement?.getAttribute("aria-label")?.endsWith("raw_readings"));
  await page.keyboard.press("Enter");
  await page.waitForSelector(".node.selected");
  equal(`${name}: a node chosen by keys`, await page.textContent(".panel h2"), "raw_readings");
  await page.keyboard.press("c");
  await page.waitForSelector(".node.selected .column");
  await shot(page, `${name}-keys`);

  // On paper.
  await page.evaluate(() => dispatchEvent(new Event("beforeprint")));
  check(`${name}: all of the graph is printed`, (await page.getAttribute(".graph > svg", "viewBox")) !== null);
  await page.evaluate(() => dispatchEvent(new Event("afterprint")));
  const paper = await page.pdf({ format: "A4", landscape: true });
  check(`${name}: prints`, paper.length > 10_000, paper.length);

  // The files a table was loaded from, and the source's side of it.
  for (const place of ["node/model.smart_meters.raw_readings", "node/source.smart_meters.files.readings"]) {
    await page.goto(`${url.split("#")[0]}#/${place}`);
    await page.waitForSelector("section[aria-labelledby=files] tbody tr");
    check(`${name}: ${place} lists files`, (await texts(page, "section[aria-labelledby=files] td code"))[0]?.endsWith(".json"));
  }
  await shot(page, `${name}-source`);
  await page.goto(`${url.split("#")[0]}#/node/nothing`);
  await page.waitForFunction(() => document.querySelector("h1")?.textContent === "Not here");
  await page.context().close();

  // In the dark.
  const dark = await opened(`${url}#/lineage`, { colorScheme: "dark" });
  await dark.waitForSelector(".node");
  const light = (page) =>
    page.evaluate(() => {
      const [r, g, b] = getComputedStyle(document.documentElement).backgroundColor.match(/[\d.]+/g).map(Number);
      return (r + g + b) / 3;
    });
  check(`${name}: dark where the system is`, (await light(dark)) < 60, await light(dark));
  await dark.waitForTimeout(300);
  await shot(dark, `${name}-dark`);
  await dark.click(".light");
  await dark.waitForFunction(() => document.documentElement.style.colorScheme === "light");
  check(`${name}: light if that is wanted`, (await light(dark)) > 200, await light(dark));
  await dark.context().close();
}

/** A page whose details lie beside it. */
async function split(url) {
  const page = await opened(url);
  const { nodes } = JSON.parse(readFileSync(path.join(target(splitProject), "manifest.json"), "utf8"));
  const id = Object.keys(nodes).find((id) => id.startsWith("model."));
  await page.goto(`${url}#/node/${id}`);
  await page.waitForSelector(".code code");
  check("split: SQL comes from a part", (await page.textContent(".code code")).length > 10);
  check("split: a part was fetched", (await page.$$("head script[src^='parts/']")).length > 0);
  await page.context().close();
}

/** One request, without a browser's good manners. */
function ask(port, wanted, headers = {}, method = "GET") {
  return new Promise((resolve, reject) => {
    const request = http.request({ host: "127.0.0.1", port, path: wanted, headers, method }, (response) => {
      let body = "";
      response.on("data", (bytes) => (body += bytes));
      response.on("end", () => resolve({ status: response.statusCode, headers: response.headers, body }));
    });
    request.on("error", reject);
    request.end();
  });
}

/** `docs serve`, and the port it says it is at. */
function served(folder, port) {
  const child = spawn(headwater, ["--project-dir", folder, "docs", "serve", "--port", String(port)]);
  return new Promise((resolve, reject) => {
    let said = "";
    child.stdout.on("data", (bytes) => {
      said += bytes;
      const found = said.match(/http:\/\/127\.0\.0\.1:(\d+)/);
      if (found) resolve({ child, port: Number(found[1]) });
    });
    child.on("exit", () => reject(new Error(`docs serve ended: ${said}`)));
  });
}

const page = path.join(target(project), "docs", "index.html");
await read(pathToFileURL(page).href, "disk");
await split(pathToFileURL(path.join(target(splitProject), "docs", "index.html")).href);

const first = await served(project, 0);
const second = await served(splitProject, first.port);
check("serve: a taken port gives way", second.port !== first.port);
await read(`http://127.0.0.1:${first.port}/`, "served");
await split(`http://127.0.0.1:${second.port}/`);

const got = await ask(first.port, "/");
equal("serve: the page's type", got.headers["content-type"], "text/html; charset=utf-8");
equal("serve: the page itself", got.body.length, readFileSync(page, "utf8").length);
const cached = await ask(first.port, "/", { "if-none-match": got.headers.etag });
equal("serve: nothing new", [cached.status, cached.body], [304, ""]);
equal("serve: only to be read", (await ask(first.port, "/", {}, "POST")).status, 405);
for (const wanted of ["/../manifest.json", "/%2e%2e/manifest.json", "/..%2fmanifest.json", "//etc/passwd", "/nothing"]) {
  equal(`serve: ${wanted} is not found`, (await ask(first.port, wanted)).status, 404);
}
equal("serve: a part's type", (await ask(second.port, "/parts/0.js")).headers["content-type"], "text/javascript; charset=utf-8");
for (const { child } of [first, second]) {
  child.removeAllListeners("exit");
  const ended = new Promise((resolve) => child.on("exit", resolve));
  child.kill("SIGINT");
  equal("serve: Ctrl-C ends it well", await ended, 0);
}

await browser.close();
if (faults.length > 0) {
  console.error(`${faults.length} of ${checks} checks of the site failed:\n  ${faults.join("\n  ")}`);
  process.exit(1);
}
console.log(`the site holds in Chromium: ${checks} checks`);
