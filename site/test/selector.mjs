// Holds `src/select/` to the binary: both choose the same nodes, and say the same of what is wrong.
//
//     node test/selector.mjs HEADWATER PROJECT_DIR... [--docs DIR] [--random COUNT]
//
// HEADWATER is the binary; of each project `docs generate` has written the page, to `--docs` in the project or to one
// of the usual places. The selectors are of three kinds: every form of the language, as listed at the end; names, tags,
// paths and settings of the project; and `--random` mixtures of all these (the same each time).
//
// Prints a line for each project; exit code 1, and the differences below it, if there are any.

import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { parseArgs, promisify } from "node:util";
import { gunzipSync } from "node:zlib";
import { build } from "esbuild";

const run = promisify(execFile);
const SIDE_BY_SIDE = 4;
/** Differences shown of a project. */
const SHOWN = 20;
/** Nodes of a project that are asked for one by one. */
const NODES = 25;

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: { docs: { type: "string" }, random: { type: "string", default: "200" } },
});
const [binary, ...projects] = positionals;
if (!binary || projects.length === 0) {
  console.error("usage: node test/selector.mjs HEADWATER PROJECT_DIR... [--docs DIR] [--random COUNT]");
  process.exit(2);
}

async function bundled() {
  const source = path.join(import.meta.dirname, "../src");
  const contents = 'export { Project } from "./project"; export { select } from "./select";';
  const options = { bundle: true, format: "esm", target: "es2022", write: false };
  const { outputFiles } = await build({ stdin: { contents, resolveDir: source, loader: "ts" }, ...options });
  return import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString("base64")}`);
}

/** Whether the two agree on a project. */
async function check(directory) {
  const site = await read(directory);
  const project = new Project(site, () => Promise.reject(new Error("no details are needed")));
  const cases = [...unique([...LANGUAGE, ...own(site)]), ...mixtures(site, Number(flags.random))];
  const counts = { chosen: 0, errors: 0, nothing: 0 };
  const differences = [];
  const work = cases.values();
  const worker = async () => {
    for (const [include, exclude] of work) {
      const expected = await listed(directory, include, exclude);
      const found = select(project, include, exclude);
      const kind = expected.errors.length > 0 ? "errors" : expected.ids.length > 0 ? "chosen" : "nothing";
      counts[kind]++;
      const wrong = difference(expected, found, site);
      if (wrong.length > 0) differences.push({ include, exclude, wrong });
    }
  };
  await Promise.all(Array.from({ length: SIDE_BY_SIDE }, worker));
  console.log(
    `${directory}: ${site.nodes.length} nodes, ${cases.length} selections (${counts.chosen} choose nodes, ` +
      `${counts.nothing} none, ${counts.errors} are wrong): ${differences.length || "no"} differences`,
  );
  for (const { include, exclude, wrong } of differences.slice(0, SHOWN)) {
    console.log(`  --select ${JSON.stringify(include)} --exclude ${JSON.stringify(exclude)}`);
    for (const line of wrong) console.log(`    ${line}`);
  }
  if (differences.length > SHOWN) console.log(`  and ${differences.length - SHOWN} more`);
  return differences.length === 0;
}

/** The data that the project's page carries. */
async function read(directory) {
  const places = flags.docs ? [flags.docs] : ["target/docs", "target/headwater/docs"];
  for (const place of places) {
    const page = await readFile(path.join(directory, place, "index.html"), "utf8").catch(() => undefined);
    if (page === undefined) continue;
    const packed = /<script type="application\/gzip" id="site">([^<]*)<\/script>/.exec(page);
    if (!packed) throw new Error(`${directory}: the page in ${place} has no data`);
    return JSON.parse(gunzipSync(Buffer.from(packed[1], "base64")).toString("utf8"));
  }
  throw new Error(`${directory}: no page in ${places.join(" or ")}: run \`headwater docs generate\` there`);
}

/** What the binary chooses and says. */
async function listed(directory, include, exclude) {
  const given = [["select", include], ["exclude", exclude]].filter(([, text]) => text !== "");
  const words = given.map((word) => `--${word.join("=")}`);
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("HEADWATER_")));
  const options = { env, maxBuffer: 1 << 28 };
  const { stdout, stderr, code = 0 } = await run(
    binary,
    ["--project-dir", directory, "--no-color", "list", "--output", "json", ...words],
    options,
  ).catch((error) => error);
  const said = findings(stderr);
  const errors = said.filter(({ level }) => level === "error");
  if (![0, 2].includes(code) || (code === 2) !== errors.length > 0) {
    throw new Error(`${binary} list ${JSON.stringify([include, exclude])}: exit code ${code}\n${stderr}`);
  }
  const lines = stdout.split("\n").filter((line) => line !== "");
  const warnings = said.filter(({ level }) => level === "warning");
  return { ids: lines.map((line) => JSON.parse(line).unique_id), errors, warnings };
}

/** What stands on stderr: messages, and what is said to help. */
function findings(stderr) {
  const found = [];
  for (const line of stderr.split("\n")) {
    const [, level, message] = /^(error|warning)\[[a-z-]+\]: (.*)$/.exec(line) ?? [];
    if (level) found.push({ level, message, helps: [] });
    const [, help] = /^ *= (?:help: |note: (?=no node sets))(.*)$/.exec(line) ?? [];
    if (help) found.at(-1)?.helps.push(help);
  }
  return found;
}

/** How the page's answer differs from the binary's. */
function difference(expected, found, site) {
  const wrong = [];
  const ids = new Set([...found.chosen].map((at) => site.nodes[at].id));
  const wanted = new Set(expected.ids);
  const list = (name, all) => all.length > 0 && wrong.push(`${name}: ${all.join(" ")}`);
  list("only the binary chooses", expected.ids.filter((id) => !ids.has(id)));
  list("only the page chooses", [...ids].filter((id) => !wanted.has(id)));
  for (const kind of ["errors", "warnings"]) {
    const same = (said, at) =>
      found[kind][at]?.startsWith(said.message) && said.helps.every((help) => found[kind][at].includes(`; ${help}`));
    if (found[kind].length === expected[kind].length && expected[kind].every(same)) continue;
    const theirs = expected[kind].map(({ message, helps }) => [message, ...helps].join("; "));
    wrong.push(`${kind} of the binary: ${theirs.join(" | ")}`, `${kind} of the page: ${found[kind].join(" | ")}`);
  }
  return wrong;
}

function unique(cases) {
  const full = cases.map(([include, exclude = ""]) => [include, exclude]);
  return new Map(full.map((one) => [JSON.stringify(one), one])).values();
}

/** The names, tags, paths and settings of the project, each asked for. */
function own(site) {
  const step = Math.max(1, Math.ceil(site.nodes.length / NODES));
  const nodes = site.nodes.filter((_, at) => at % step === 0);
  const all = new Set([...atoms(site, nodes)].map((atom) => [atom]));
  const kinds = new Map(site.nodes.map((node) => [node.kind, node]));
  for (const { kind, name, fqn, path: file } of kinds.values()) {
    const by = kind === "source" ? `source:${name}` : kind === "exposure" ? `exposure:${name}` : name;
    for (const text of [`+${by}`, `${by}+`, `1+${by}`, `${by}+1`, `2+${by}+2`, `0+${by}+0`, `@${by}`, `+${by}+`]) {
      all.add([text]);
    }
    all.add(["", by]).add([`+${by}+`, by]).add([`@${by}`, `+${by}`]);
    all.add([`${by},resource_type:${kind}`]).add([`+${by} ${by}+1,resource_type:model`]);
    // Nearly right.
    all.add([name.slice(0, -1)]).add([`${name}x`]).add([name.toUpperCase()]).add([fqn.slice(1).join(".").slice(0, -1)]);
    all.add([`path:${file.slice(0, -1)}`]).add([`file:${file.slice(file.lastIndexOf("/") + 1, -2)}`]);
    // With wildcards.
    all.add([`${name.slice(0, 3)}*`]).add([`*${name.slice(-3)}`]).add([`?${name.slice(1)}`]);
    all.add([`[${name[0]}]${name.slice(1)}`]).add([`[!${name[0]}]${name.slice(1)}`]).add([`[a-m]*`]);
    all.add([`*.${fqn.at(-1)}`]).add([`${fqn[0]}.*`]).add([`${fqn.slice(0, -1).join(".")}.*`]);
    all.add([file.replace(/[^/]+$/, "*")]).add([`**/${file.slice(file.lastIndexOf("/") + 1)}`]);
    all.add([file.replaceAll("/", "\\")]).add([`./${file}`]).add([`${file}/`]).add([file.replace(/^[^/]+/, "**")]);
  }
  return all;
}

/** Criteria without operators that match something. */
function* atoms(site, nodes) {
  const paths = new Set();
  for (const node of nodes) {
    yield node.name;
    yield node.fqn.join(".");
    yield node.fqn.slice(1).join(".");
    const parts = node.path.split("/");
    for (let end = 1; end <= parts.length; end++) paths.add(parts.slice(0, end).join("/"));
    if (node.kind === "source") {
      yield* [node.fqn[1], node.name, node.fqn.join(".")].map((name) => `source:${name}`);
      yield node.fqn.at(-1);
    }
    if (node.kind === "exposure") yield* [`exposure:${node.name}`, `exposure:${site.project}.${node.name}`];
    if (node.test) yield* [`test_name:${node.test.name}`, `test_type:${node.test.kind}`];
    if (node.kind === "unit_test") {
      yield* [node.test.name, `unit_test:${node.test.name}`, `unit_test:${site.project}.*`];
    }
    for (const tag of node.tags ?? []) yield* [`tag:${tag}`, `tag:${tag.slice(0, 2)}*`, tag, `tag:${tag}s`];
    for (const [keys, value] of settings(node.config ?? {})) yield `config.${keys.join(".")}:${value}`;
  }
  for (const one of paths) {
    yield `path:${one}`;
    yield one;
    yield `file:${one.slice(one.lastIndexOf("/") + 1)}`;
    yield one.slice(one.lastIndexOf("/") + 1);
  }
  yield site.project;
  yield `package:${site.project}`;
}

/** Every key of a configuration with what it can be asked for; values with blanks and commas cannot. */
function* settings(config, keys = []) {
  const plain = (value) => /^[^\s,+]+$/.test(value);
  for (const [key, value] of Object.entries(config)) {
    if (!/^[\w]+$/.test(key)) continue;
    const here = [...keys, key];
    if (keys.length > 0) yield [keys, key];
    if (Array.isArray(value)) yield* value.map(String).filter(plain).map((item) => [here, item]);
    else if (value !== null && typeof value === "object") yield* settings(value, here);
    else if (plain(String(value))) yield* [[here, String(value)], [here, String(value).toUpperCase()]];
  }
}

/** Criteria of all kinds, put together at random. */
function mixtures(site, count) {
  const known = [...new Set([...atoms(site, site.nodes), ...LANGUAGE.map(([include]) => include)])];
  const words = known.filter((word) => word !== "" && !/\s/.test(word));
  const below = random(1);
  const pick = (list) => list[below(list.length)];
  const odd = ["*", "?", "[", "]", "**", ".", "/", "+", ":", ",", "@", "é", "1", "[a-z]", "[!s]"];
  const altered = (word) => {
    const characters = [...word];
    characters.splice(below(characters.length), below(2), pick(odd));
    return characters.join("");
  };
  const criterion = () => {
    const word = below(4) === 0 ? altered(pick(words)) : pick(words);
    return `${pick(["", "", "+", "1+", "2+", "@"])}${word}${pick(["", "", "", "+", "+1"])}`;
  };
  const some = (most, what, between) => Array.from({ length: 1 + below(most) }, what).join(between);
  const union = () => some(3, () => some(2, criterion, ","), " ");
  return Array.from({ length: count }, () => [pick(["", union(), union(), union()]), below(3) === 0 ? union() : ""]);
}

/** Whole numbers below a limit, the same each time. */
function random(seed) {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}

/** Every form of the language, whatever the project. */
const LANGUAGE = [
  [""],
  ["", "*"],
  ["", "source:*"],
  ["", "tag:*"],
  ["", "test_type:data"],
  ["", "resource_type:model resource_type:seed"],
  ["*"],
  ["**"],
  ["*", "resource_type:test"],
  ["*.*"],
  ["*.*.*"],
  ["*s"],
  ["?*"],
  ["[a-s]*"],
  ["[!a-s]*"],
  ["[s-a]*"],
  ["[!s-a]*"],
  ["*[_]*"],
  ["*[]_]*"],
  ["[a-]*"],
  ["stg_*"],
  ["staging"],
  ["staging.*"],
  ["*.staging.*"],
  ["+staging"],
  ["staging+"],
  ["staging+1"],
  ["@staging"],
  ["staging,tag:*"],
  ["+*"],
  ["*+"],
  ["@*"],
  ["0+*+0"],
  ["99999999999999999999999+*"],
  ["fqn:*"],
  ["fqn:staging"],
  ["path:models"],
  ["path:models/"],
  ["path:./models//"],
  ["path:."],
  ["path:*"],
  ["path:**"],
  ["path:**/*.sql"],
  ["path:models/*"],
  ["path:models/*/*"],
  ["path:models/**/*"],
  ["path:models/[!s]*"],
  ["path:models[/]*"],
  ["path:models?staging"],
  ["path:MODELS"],
  ["models/*.sql"],
  ["models/**/*.sql"],
  [".\\models\\"],
  ["+models/staging,tag:*"],
  ["*.sql"],
  ["*.SQL"],
  ["*.csv"],
  ["*.py"],
  ["file:*.yml"],
  ["file:models"],
  ["tag:*"],
  ["tag:*+"],
  ["tag:nightly"],
  ["source:*"],
  ["source:*.*"],
  ["source:*.*.*"],
  ["source:*+1"],
  ["source:*+,resource_type:model"],
  ["@source:*"],
  ...["analysis", "exposure", "function", "metric", "model", "saved_query"].map((type) => [`resource_type:${type}`]),
  ...["seed", "semantic_model", "snapshot", "source", "test", "unit_test"].map((type) => [`resource_type:${type}`]),
  ["+resource_type:exposure"],
  ["2+resource_type:exposure"],
  ["resource_type:seed+"],
  ["resource_type:unit_test+"],
  ["+resource_type:test"],
  ["package:*"],
  ["test_name:*"],
  ["test_name:not_null"],
  ["test_name:uniq*"],
  ["1+test_name:*"],
  ...["data", "generic", "schema", "singular", "unit"].map((type) => [`test_type:${type}`]),
  ["unit_test:*"],
  ["unit_test:*.*"],
  ["exposure:*"],
  ["exposure:*.*"],
  ["+exposure:*"],
  ["+exposure:*", "exposure:*"],
  ["config.materialized:table"],
  ["config.materialized:view"],
  ["config.materialized:incremental"],
  ["config.materialized:t*"],
  ["config.severity:WARN"],
  ["config.severity:error"],
  ["config.enabled:True"],
  ["config.meta:owner"],
  ["config.meta.owner:intake"],
  ["config.meta.owner.x:intake"],
  ["config.tags.0:intake"],
  ["config.__proto__:x"],
  ["config.constructor.name:Object"],
  ["config.schema:staging+"],
  // Nothing is there.
  ["nothing_of_the_kind"],
  ["nothing+ +nothing @nothing"],
  ["nothing_*"],
  ["no.thing"],
  ["path:no/thing"],
  ["file:nothing.sql"],
  ["tag:no_such"],
  ["source:nothing"],
  ["source:no.thing"],
  ["package:nothing"],
  ["test_name:not_nul"],
  ["unit_test:nothing"],
  ["exposure:nothing"],
  ["config.materialized:tabel"],
  ["config.no_such:x"],
  ["config.materialized:view,nothing", "nothing_else"],
  ["*", "nothing"],
  // Odd, but right.
  ["a+b"],
  ["a++"],
  ["++a"],
  ["@+staging"],
  ["@2+staging"],
  ["*:a"],
  [":a"],
  ["staging\u00a0tag:*\u2003source:*"],
  ["tag:a:b"],
  ["fqn:a/b"],
  ["é*"],
  ["tag:+x"],
  ["test_type:constructor"],
  // Wrong.
  ["tags:x"],
  ["constructor:x"],
  ["metric:modified"],
  ["group:finance"],
  ["saved_query:x", "metric:error"],
  ["config:view"],
  ["config.:view"],
  ["config.a..b:view"],
  ["tag.x:y"],
  ["fqn.x:y"],
  ["source:a.b.c.d"],
  ["resource_type:modle"],
  ["resource_type:nothing"],
  ["resource_type:*"],
  ["test_type:generics"],
  ["test_type:x"],
  ["package:this"],
  ["@staging+"],
  ["@+staging+2"],
  ["staging,"],
  [",staging"],
  ["staging,,tag:*"],
  [","],
  [",,"],
  ["tag:"],
  ["+"],
  ["@"],
  ["2+"],
  ["+tag:+"],
  ["staging + tag:*"],
  ["[a"],
  ["["],
  ["[]"],
  ["[!]"],
  ["[!"],
  ["x[a tag:[b path:[c source:a.[ exposure:[.b unit_test:a.[", "test_name:[ file:[ package:["],
  ["path:a***"],
  ["path:a**/b"],
  ["path:a/**b"],
  ["path:**/**/*.sql"],
  ["path:models/**/**"],
  ["models/**"],
  ["tags:x a, metric:y @b+ + config:z tag.x:y"],
];

const { Project, select } = await bundled();
let failed = false;
for (const directory of projects) failed = !(await check(directory)) || failed;
process.exit(failed ? 1 : 0);
