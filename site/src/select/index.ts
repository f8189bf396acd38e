/**
 * Which nodes a selection is about, in dbt's language: the twin of `src/select/`, with which it shares its words.
 *
 * Tests come along with what they test, as they do for a command that is not told otherwise.
 */

import type { Project } from "../project";
import { evaluate } from "./evaluate";
import { resolve, type Target } from "./methods";
import { criterion, loneComma, Wrong } from "./written";

export interface Selected {
  /** The places of the chosen nodes; none if anything is wrong. */
  chosen: Set<number>;
  /** What is wrong with what is written, in its order. */
  errors: string[];
  /** Criteria that match nothing. */
  warnings: string[];
}

/** The nodes that `select` chooses, less those that `exclude` does; a blank `select` chooses everything. */
export function select(project: Project, select: string, exclude = ""): Selected {
  const included = lower(project, select);
  const excluded = lower(project, exclude);
  const errors = [...included.errors, ...excluded.errors].map((error) => error.message);
  if (errors.length > 0) return { chosen: new Set(), errors, warnings: [] };
  const warnings: string[] = [];
  const everything = select.search(NOT_BLANK) < 0;
  const chosen = everything ? new Set(project.nodes.keys()) : evaluate(project, included.union, warnings);
  for (const at of evaluate(project, excluded.union, warnings)) chosen.delete(at);
  return { chosen, errors, warnings };
}

// A blank is union, a comma is intersection and binds tighter.

const NOT_BLANK = /\P{White_Space}/u;
const WORDS = /\P{White_Space}+/gu;

/** As typed to what can be asked: a union of intersections. An error in one criterion does not hide those in others. */
function lower(project: Project, text: string): { union: Target[][]; errors: Wrong[] } {
  const errors: Wrong[] = [];
  const union = [...text.matchAll(WORDS)].map(({ 0: word, index }) => {
    const targets: Target[] = [];
    let at = index;
    let gap: number | undefined;
    for (const part of word.split(",")) {
      if (part === "") gap ??= at > index ? at - 1 : at;
      else attempt(errors, () => targets.push(resolve(project, criterion(part, at))));
      at += part.length + 1;
    }
    if (gap !== undefined) errors.push(loneComma(gap));
    return targets;
  });
  errors.sort((a, b) => a.at - b.at);
  return { union, errors };
}

function attempt(errors: Wrong[], what: () => void): void {
  try {
    what();
  } catch (error) {
    if (!(error instanceof Wrong)) throw error;
    errors.push(error);
  }
}
