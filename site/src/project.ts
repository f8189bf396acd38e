/** The project as pages ask about it: the data with everything looked up that is asked for again and again. */

import type { Site, SiteDetail, SiteNode } from "./data";
import { unpack } from "./unpack";

/** A node and its place. */
export interface Node extends SiteNode {
  at: number;
  /** The nodes that read it: tests too. */
  children: number[];
}

/** Where details come from: the part of this number, packed. */
export type Parts = (part: number) => Promise<string>;

export class Project {
  readonly nodes: Node[];
  readonly byId: Map<string, Node>;
  readonly #parts: Parts;
  readonly #loaded = new Map<number, Promise<SiteDetail[]>>();

  constructor(
    readonly site: Site,
    parts: Parts,
  ) {
    this.#parts = parts;
    this.nodes = site.nodes.map((entry, at) => ({ ...entry, at, children: [] }));
    for (const node of this.nodes) {
      for (const parent of node.parents ?? []) this.nodes[parent]?.children.push(node.at);
    }
    this.byId = new Map(this.nodes.map((node) => [node.id, node]));
  }

  node(at: number): Node {
    const node = this.nodes[at];
    if (!node) throw new Error(`there is no node ${at}`);
    return node;
  }

  /** The SQL, versions and files of a node; unpacked when first asked for. */
  async detail(node: Node): Promise<SiteDetail> {
    const details = await this.#part(Math.floor(node.at / this.site.part));
    return details[node.at % this.site.part] ?? {};
  }

  /** The details of every node, in their order. */
  async details(): Promise<SiteDetail[]> {
    const count = Math.ceil(this.nodes.length / this.site.part);
    const parts = await Promise.all(Array.from({ length: count }, (_, part) => this.#part(part)));
    return parts.flat();
  }

  #part(part: number): Promise<SiteDetail[]> {
    let loaded = this.#loaded.get(part);
    if (!loaded) {
      loaded = this.#parts(part).then((text) => unpack<SiteDetail[]>(text));
      this.#loaded.set(part, loaded);
    }
    return loaded;
  }

  /** All nodes above (`"parents"`) or below (`"children"`) some nodes, at most so many steps away; not the nodes themselves, unless on the way. */
  relatives(of: Iterable<number>, direction: "parents" | "children", steps = Infinity): Set<number> {
    const found = new Set<number>();
    let edge = [...of];
    for (let step = 0; step < steps && edge.length > 0; step++) {
      const next: number[] = [];
      for (const at of edge) {
        for (const relative of this.node(at)[direction] ?? []) {
          if (!found.has(relative)) {
            found.add(relative);
            next.push(relative);
          }
        }
      }
      edge = next;
    }
    return found;
  }
}

/** Whether a node stands in lists and graphs: tests stand with what they judge. */
export function isListed(node: SiteNode): boolean {
  return node.kind !== "test" && node.kind !== "unit_test";
}
