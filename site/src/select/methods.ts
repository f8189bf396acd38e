/** The methods: which of a node's properties a criterion looks at. */

import type { SiteMethod } from "../data";
import type { Node, Project } from "../project";
import { fileNames, foldersOf, nameOf } from "./nodes";
import { glob, hasWildcard, normal, pathGlob, type Pattern } from "./pattern";
import { splitLast } from "./texts";
import { question } from "./near";
import { otherMethods } from "./unmatched";
import { type Criterion, type Written, Wrong } from "./written";

/** A criterion that can be asked. */
export interface Target extends Criterion {
  matcher: Matcher;
}

/** A method that is known and its value. */
interface Matcher {
  matches: (node: Node) => boolean;
  /** What the node would have answered to, in the form that the value is written in. */
  answers: (node: Node) => string[];
  /** The value in that form, if it may be written in more than one. */
  meant?: string;
  /** What else may help; `answered`: whether any node answers. */
  hints?: (answered: boolean) => string[];
}

/** Looks up what the criterion names. */
export function resolve(project: Project, criterion: Criterion): Target {
  return { ...criterion, matcher: matcher(project, criterion) };
}

export function matcher(project: Project, { method, value }: Criterion): Matcher {
  const { text, at } = value;
  const inProject = (pattern: Pattern) => pattern(project.site.project);
  const { methods, other_methods, resource_types, test_types, file_extensions } = project.site.selection;
  const [written = "", ...keys] = method ? method.text.split(".") : [guess(text, file_extensions)];
  const name = methods.find((known) => known === written);
  if (method && name === "config" && (keys.length === 0 || keys.includes(""))) throw noKey(method, text);
  if (name === undefined || name === "selector") {
    const here = method ?? value;
    if (name !== undefined || other_methods.includes(written)) throw notHere(written, here);
    throw unknown(written, here, [...methods, ...other_methods]);
  }
  if (method && name !== "config" && keys.length > 0) throw notDotted(name, method, text);
  switch (name) {
    case "path": {
      const pattern = pathGlob(value);
      const answers = (node: Node) => [...foldersOf(node), node.path];
      return { matches: (node) => pattern(node.path), answers, meant: normal(text) };
    }
    case "file": {
      const pattern = glob(value);
      return { matches: (node) => fileNames(node).some(pattern), answers: (node) => fileNames(node).slice(0, 1) };
    }
    case "tag": {
      const pattern = glob(value);
      return { matches: (node) => (node.tags ?? []).some(pattern), answers: (node) => node.tags ?? [] };
    }
    case "source":
      return source(value, inProject);
    case "resource_type":
      if (!resource_types.includes(text)) throw unknownType(value, resource_types);
      return { matches: (node) => node.kind === text, answers: () => [] };
    case "package": {
      // There is one package, which `this` is.
      const pattern = text === "this" ? () => true : glob(value);
      return { matches: () => inProject(pattern), answers: () => [project.site.project] };
    }
    case "test_name": {
      const pattern = glob(value);
      const names = (node: Node) => (node.test ? [node.test.name] : []);
      return { matches: (node) => names(node).some(pattern), answers: names };
    }
    case "test_type": {
      const kinds = Object.hasOwn(test_types, text) ? test_types[text] : undefined;
      if (!kinds) throw unknownTestType(value, Object.keys(test_types));
      return { matches: (node) => !!node.test && kinds.includes(node.test.kind), answers: () => [] };
    }
    case "unit_test":
    case "exposure": {
      const [scope, own] = splitLast(text, ".") ?? ["*", text];
      const patterns = { scope: glob({ text: scope, at }, text), own: glob({ text: own, at }, text) };
      const names = (node: Node) => (node.kind === name ? [nameOf(node)] : []);
      return { matches: (node) => inProject(patterns.scope) && names(node).some(patterns.own), answers: names };
    }
    case "group": {
      const pattern = glob(value);
      const groups = (node: Node) => strings(setting(node.config, ["group"]));
      return { matches: (node) => groups(node).some(pattern), answers: groups };
    }
    case "access": {
      const access = (node: Node) => strings(setting(node.config, ["access"])).concat("protected").slice(0, 1);
      return { matches: (node) => node.kind === "model" && access(node).includes(text), answers: () => [] };
    }
    case "config":
      return config(keys, text);
    case "fqn":
      return fqn(project, value);
  }
}

/** The method that dbt takes for a value without one. */
function guess(value: string, fileExtensions: string[]): SiteMethod {
  if (/[/\\]/.test(value)) return "path";
  const extension = splitLast(value, ".")?.[1].toLowerCase() ?? "";
  return fileExtensions.includes(extension) ? "file" : "fqn";
}

/** `source`, `source.table` or `project.source.table`. */
export function source(value: Written, inProject: (pattern: Pattern) => boolean): Matcher {
  const parts = value.text.split(".");
  if (parts.length > 3) throw longSource(value);
  if (parts.length === 1) parts.push("*");
  if (parts.length === 2) parts.unshift("*");
  const patterns = parts.map((text) => glob({ text, at: value.at }, value.text));
  const [scope, of, table] = patterns as [Pattern, Pattern, Pattern];
  const dotted = value.text.includes(".");
  return {
    matches: (node) => !!node.source && inProject(scope) && of(node.source.name) && table(nameOf(node)),
    answers: (node) => (node.source ? [dotted ? `${node.source.name}.${nameOf(node)}` : node.source.name] : []),
  };
}

/**
 * A node's name, or where it stands: `staging.readings`, `project.staging`, `*.staging.*`. Never a
 * source.
 *
 * A path of names with dots is a prefix of the qualified name, with the project's name or without it; from the first
 * wildcard on, the rest must match to the end.
 */
function fqn(project: Project, value: Written): Matcher {
  const { text } = value;
  const named = (node: Node) => !node.source;
  const name = glob(value);
  const parts = text.split(".");
  const wild = parts.findIndex(hasWildcard);
  const folders = wild < 0 ? parts : parts.slice(0, wild);
  const rest = wild < 0 ? undefined : glob({ text: parts.slice(wild).join("."), at: value.at }, text);
  const matchesFrom = (from: string[]) => {
    // A dot inside a name separates like one between names.
    const parts = from.flatMap((part) => part.split("."));
    if (!folders.every((folder, at) => parts[at] === folder)) return false;
    const left = parts.slice(folders.length);
    return !rest || (left.length > 0 && rest(left.join(".")));
  };
  return {
    matches: (node) =>
      named(node) &&
      (name(node.fqn.at(-1) ?? nameOf(node)) ||
        matchesFrom(node.fqn) ||
        (node.fqn.length > 0 && matchesFrom(node.fqn.slice(1)))),
    answers: (node) => {
      if (!named(node)) return [];
      return text.includes(".") ? [node.fqn.join("."), node.fqn.slice(1).join(".")] : [nameOf(node)];
    },
    hints: () => otherMethods(project, text),
  };
}

/** `config.a.b:`, the value compared as a whole. */
function config(keys: string[], wanted: string): Matcher {
  const anyCase = keys.length === 1 && keys[0] === "severity";
  return {
    matches: (node) => {
      const found = setting(node.config, keys);
      if (Array.isArray(found)) return found.some((item) => equals(item, wanted, anyCase));
      return isObject(found) ? Object.hasOwn(found, wanted) : equals(found, wanted, anyCase);
    },
    answers: (node) => {
      const found = setting(node.config, keys);
      if (found === undefined) return [];
      if (Array.isArray(found)) return found.filter((item) => typeof item === "string");
      return isObject(found) ? Object.keys(found) : [String(found)];
    },
    hints: (answered) => (answered ? [] : [`no node sets \`${keys.join(".")}\``]),
  };
}

/** The setting under a path of keys. */
function setting(config: unknown, keys: string[]): unknown {
  return keys.reduce((value, key) => (isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined), config);
}

function strings(value: unknown): string[] {
  return typeof value === "string" ? [value] : [];
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function equals(found: unknown, wanted: string, anyCase: boolean): boolean {
  switch (typeof found) {
    case "string":
      return anyCase ? asciiLower(found) === asciiLower(wanted) : found === wanted;
    case "boolean":
      return asciiLower(wanted) === String(found);
    case "number":
      // Once read, `1.0` is `1`.
      return String(found) === wanted || (Number.isInteger(found) && `${found}.0` === wanted);
    default:
      return false;
  }
}

function asciiLower(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

function unknown(name: string, method: Written, known: string[]): Wrong {
  return new Wrong(method.at, `there is no selection method \`${name}\``, question(name, known));
}

function notHere(name: string, method: Written): Wrong {
  return new Wrong(method.at, `dbt's selection method \`${name}\` is not available here`);
}

function noKey(method: Written, value: string): Wrong {
  return new Wrong(
    method.at,
    "`config` does not say which setting to compare",
    `name the setting after a dot, as in \`config.materialized:${value}\``,
  );
}

function notDotted(name: string, method: Written, value: string): Wrong {
  return new Wrong(
    method.at,
    `the selection method \`${name}\` takes nothing after a dot`,
    `write \`${name}:${value}\``,
  );
}

function longSource({ text, at }: Written): Wrong {
  return new Wrong(
    at,
    `\`${text}\` has too many parts for a source`,
    "write `source:name`, `source:name.table` or `source:project.name.table`",
  );
}

function unknownType({ text, at }: Written, known: string[]): Wrong {
  return new Wrong(at, `there is no resource type \`${text}\``, question(text, known));
}

function unknownTestType({ text, at }: Written, known: string[]): Wrong {
  return new Wrong(at, `there is no type of test \`${text}\``, question(text, known));
}
