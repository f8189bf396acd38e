/** Columns followed through the project: what one is made of, and what is made of it. */

import type { SiteDerivation } from "./data";
import type { Project } from "./project";

/** A column, by its node's place and its own. */
export type Place = readonly [node: number, column: number];

export interface Step {
  from: Place;
  to: Place;
  how: SiteDerivation;
}

export interface Trace {
  steps: Step[];
  /** The columns on the way, by node. */
  columns: Map<number, Set<number>>;
}

export class Columns {
  readonly #below = new Map<string, Step[]>();
  readonly #users = new Map<string, { node: number; column: number | undefined; kinds: string[] }[]>();

  constructor(readonly project: Project) {
    const push = <T>(map: Map<string, T[]>, place: Place, value: T) => {
      const key = place.join(".");
      const list = map.get(key);
      if (list) list.push(value);
      else map.set(key, [value]);
    };
    for (const node of project.nodes) {
      node.columns?.forEach((column, at) => {
        for (const [of, from, how] of column.values ?? []) {
          push(this.#below, [of, from], { from: [of, from], to: [node.at, at], how });
        }
        for (const [of, from, kinds] of column.uses ?? []) {
          push(this.#users, [of, from], { node: node.at, column: at, kinds });
        }
      });
      for (const [of, from, kinds] of node.rows ?? []) {
        push(this.#users, [of, from], { node: node.at, column: undefined, kinds });
      }
    }
  }

  /** The columns that this one is made of, one step up. */
  above([node, column]: Place): Step[] {
    const values = this.project.node(node).columns?.[column]?.values ?? [];
    return values.map(([of, from, how]) => ({ from: [of, from] as const, to: [node, column] as const, how }));
  }

  /** The columns that are made of this one, one step down. */
  below(place: Place): Step[] {
    return this.#below.get(place.join(".")) ?? [];
  }

  /** The nodes that use it without taking its value, and for what; of a column's condition, which column. */
  users(place: Place): { node: number; column: number | undefined; kinds: string[] }[] {
    return this.#users.get(place.join(".")) ?? [];
  }

  /** All the way up and all the way down. */
  trace(of: Place): Trace {
    const trace: Trace = { steps: [], columns: new Map() };
    const keep = ([node, column]: Place) => {
      const columns = trace.columns.get(node);
      if (columns) columns.add(column);
      else trace.columns.set(node, new Set([column]));
    };
    keep(of);
    for (const [next, end] of [
      [(place: Place) => this.above(place), "from"],
      [(place: Place) => this.below(place), "to"],
    ] as const) {
      const seen = new Set([of.join(".")]);
      const waiting: Place[] = [of];
      for (let place = waiting.pop(); place; place = waiting.pop()) {
        for (const step of next(place)) {
          trace.steps.push(step);
          keep(step[end]);
          const key = step[end].join(".");
          if (!seen.has(key)) {
            seen.add(key);
            waiting.push(step[end]);
          }
        }
      }
    }
    return trace;
  }
}
