/** Nodes as the methods see them. */

import type { Node } from "../project";
import { splitLast } from "./texts";

/** Its own name; a source table's is the table's, a unit test's is without its model. */
export function nameOf(node: Node): string {
  if (node.source) return node.fqn.at(-1) ?? node.name;
  return node.kind === "unit_test" ? (node.test?.name ?? node.name) : node.name;
}

/** The last part of the declaring file's path, with the extension and without. */
export function fileNames(node: Node): string[] {
  const file = node.path.slice(node.path.lastIndexOf("/") + 1);
  const stem = splitLast(file, ".");
  return stem ? [file, stem[0]] : [file];
}

/** The folders above the declaring file, outermost first. */
export function foldersOf(node: Node): string[] {
  return [...node.path.matchAll(/\//g)].map(({ index }) => node.path.slice(0, index));
}
