/** From criteria to nodes. */

import type { Project } from "../project";
import type { Target } from "./methods";
import { unmatched } from "./unmatched";
import type { Criterion } from "./written";

/** The nodes in any of the intersections, and the tests that come along. */
export function evaluate(project: Project, union: Target[][], warnings: string[]): Set<number> {
  const all = new Set<number>();
  for (const targets of union) {
    const sets = targets.map((target) => nodesOf(project, target, warnings));
    const [first = new Set<number>(), ...others] = sets;
    for (const at of first) {
      if (others.every((other) => other.has(at))) all.add(at);
    }
  }
  return all;
}

function nodesOf(project: Project, target: Target, warnings: string[]): Set<number> {
  const matched = new Set<number>();
  for (const node of project.nodes) {
    if (target.matcher.matches(node)) matched.add(node.at);
  }
  if (matched.size === 0) {
    warnings.push(unmatched(project, target));
    return matched;
  }
  const chosen = new Set([...matched, ...relatives(project, matched, target.reach)]);
  for (const at of [...chosen]) {
    for (const child of project.node(at).children) {
      if (project.node(child).test) chosen.add(child);
    }
  }
  return chosen;
}

function relatives(project: Project, of: Set<number>, reach: Criterion["reach"]): Iterable<number> {
  if (reach === "around") {
    const below = new Set([...of, ...project.relatives(of, "children")]);
    return [...below, ...project.relatives(below, "parents")];
  }
  return [
    ...(reach.parents === undefined ? [] : project.relatives(of, "parents", reach.parents)),
    ...(reach.children === undefined ? [] : project.relatives(of, "children", reach.children)),
  ];
}
