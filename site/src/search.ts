/** Search over names, columns, descriptions and SQL. Nothing is indexed: a pass over all texts is quick enough. */

import uFuzzy from "@leeoniya/ufuzzy";
import { type Node, type Project, isListed } from "./project";

export interface Found {
  node?: Node;
  macro?: string;
  /** The column that was found. */
  column?: string;
  /** Where it was found: `name`, `column`, `description`, `SQL`. */
  where: string;
  /** The text around it, with what was found between `[start, end)` pairs. */
  text: string;
  ranges: number[];
}

/** Texts of one kind and whose they are. */
interface Haystack {
  where: string;
  texts: string[];
  of: Omit<Found, "where" | "text" | "ranges">[];
}

const MOST = 12;
/** Up to so many terms may come in any order. */
const TERMS = 4;
/** Of more hits than these, the first are shown as they come: whoever typed so little types on. */
const RANKED = 1000;
/** Characters shown on either side of what was found in a long text. */
const AROUND = 40;

export class Search {
  // Terms are words between blanks, in any order; a term is found as it is, anywhere.
  readonly #fuzzy = new uFuzzy({ intraIns: 0, interIns: Infinity, interSplit: "\\s+" });
  readonly #short: Haystack[];
  #code: Haystack | undefined;

  constructor(readonly project: Project) {
    const names: Haystack = { where: "name", texts: [], of: [] };
    const columns: Haystack = { where: "column", texts: [], of: [] };
    const said: Haystack = { where: "description", texts: [], of: [] };
    const add = (to: Haystack, text: string | undefined, of: Haystack["of"][number]) => {
      if (!text) return;
      to.texts.push(text);
      to.of.push(of);
    };
    for (const node of project.nodes) {
      if (!isListed(node)) continue;
      add(names, node.exposure?.label ?? node.name, { node });
      add(said, node.description, { node });
      for (const column of node.columns ?? []) {
        add(columns, `${node.name}.${column.name}`, { node, column: column.name });
        add(said, column.description, { node, column: column.name });
      }
    }
    for (const macro of project.site.macros) {
      add(names, macro.name, { macro: macro.name });
      add(said, macro.description, { macro: macro.name });
    }
    this.#short = [names, columns, said];
  }

  /** What is found in names, columns and descriptions. */
  quick(text: string): Found[] {
    return quoted(text) === "" ? [] : this.#short.flatMap((haystack) => this.#in(haystack, text));
  }

  /** What is found in SQL, which is unpacked first. */
  async code(text: string): Promise<Found[]> {
    if (quoted(text).length < 3) return [];
    if (!this.#code) {
      const details = await this.project.details();
      const found: Haystack = { where: "SQL", texts: [], of: [] };
      for (const node of this.project.nodes) {
        const sql = details[node.at]?.raw;
        if (sql && isListed(node)) {
          found.texts.push(sql);
          found.of.push({ node });
        }
      }
      this.#code = found;
    }
    return this.#in(this.#code, text);
  }

  #in(haystack: Haystack, text: string): Found[] {
    const [hits, info, order] = this.#fuzzy.search(haystack.texts, quoted(text), TERMS, RANKED);
    if (!hits) return [];
    const found: Found[] = [];
    const total = order?.length ?? hits.length;
    for (let at = 0; at < Math.min(total, MOST); at++) {
      const place = order ? (order[at] as number) : at;
      const hit = (info ? info.idx[place] : hits[place]) as number;
      const of = haystack.of[hit];
      if (of) found.push({ ...of, where: haystack.where, ...around(haystack.texts[hit] ?? "", info?.ranges[place] ?? []) });
    }
    return found;
  }
}

/** The terms with those in quotes that would mean something to the search itself. */
function quoted(text: string): string {
  const terms = text.split(/\s+/).map((term) => (/^\w*$/.test(term) ? term : `"${term.replaceAll('"', "")}"`));
  return terms.filter((term) => term !== "" && term !== '""').join(" ");
}

/** A long text cut down to what stands around what was found. */
function around(text: string, ranges: number[]): { text: string; ranges: number[] } {
  if (text.length <= 2 * AROUND) return { text, ranges };
  const first = ranges[0] ?? 0;
  const start = Math.max(0, first - AROUND);
  const end = Math.min(text.length, start + 3 * AROUND);
  const before = start > 0 ? "…" : "";
  const shown = `${before}${text.slice(start, end).replace(/\s/g, " ")}${end < text.length ? "…" : ""}`;
  const moved = ranges.map((place) => place - start + before.length).filter((place) => place <= shown.length);
  return { text: shown, ranges: moved.length % 2 === 0 ? moved : moved.slice(0, -1) };
}
