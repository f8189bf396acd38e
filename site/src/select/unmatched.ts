/** What to say of a criterion that matches no node: what is near it, and what it may have been meant to be. */

import type { Project } from "../project";
import type { Target } from "./methods";
import { question, said } from "./near";
import { nameOf } from "./nodes";
import { hasWildcard } from "./pattern";

export function unmatched(project: Project, { text, value, matcher }: Target): string {
  const message = `the selection criterion \`${text}\` matches no node`;
  if (hasWildcard(value.text)) return message;
  const known = new Set(project.nodes.flatMap(matcher.answers));
  return said(message, [question(matcher.meant ?? value.text, known), ...(matcher.hints?.(known.size > 0) ?? [])]);
}

/** A bare word is looked for among the names of models and folders only; it may be the name of something else. */
export function otherMethods(project: Project, value: string): string[] {
  const hints: string[] = [];
  if (project.nodes.some((node) => node.tags?.includes(value))) {
    hints.push(`\`${value}\` is a tag: write \`tag:${value}\``);
  }
  const sources = new Set<string>();
  for (const node of project.nodes) {
    if (!node.source) continue;
    const full = `${node.source.name}.${nameOf(node)}`;
    if (node.source.name === value) sources.add(value);
    else if (nameOf(node) === value || full === value) sources.add(full);
  }
  for (const source of [...sources].sort().slice(0, 3)) {
    hints.push(`\`${value}\` is a source: write \`source:${source}\``);
  }
  return hints;
}
