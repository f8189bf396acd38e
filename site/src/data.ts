/**
 * What the page is filled with: the twin of `src/docs/site.rs`, which documents every field.
 *
 * Nodes are named by their place in `Site.nodes`, columns by their place in their node.
 */

export interface Site {
  project: string;
  generated_at: string;
  tool_version: string;
  target: string;
  overview: string;
  vars: Record<string, unknown>;
  last_run: { at: string | null; command: string | null } | null;
  nodes: Entry[];
  macros: Macro[];
  groups: { name: string; description: string; owner: string | null }[];
  part: number;
}

export type Kind = "model" | "seed" | "snapshot" | "source" | "test" | "unit_test" | "exposure";

export interface Entry {
  id: string;
  kind: Kind;
  name: string;
  path: string;
  fqn: string[];
  schema?: string;
  alias?: string;
  materialized?: string;
  tags?: string[];
  owner?: string;
  group?: string;
  description?: string;
  config?: Record<string, unknown>;
  columns?: Column[];
  rows?: Used[];
  parents?: number[];
  facts?: Facts;
  ended?: Ended;
  test?: Test;
  source?: SourceTable;
  exposure?: Exposure;
}

export type How = "copied" | "renamed" | "transformed" | "aggregated";

export interface Column {
  name: string;
  type: string;
  description?: string;
  values?: [node: number, column: number, how: How][];
  uses?: Used[];
}

export type Used = [node: number, column: number, kinds: string[]];

export interface Facts {
  version: number;
  rows: number | null;
  files: number;
  bytes: number;
  partition_by?: string[];
  at: string | null;
}

export interface Ended {
  status: string;
  failures?: number;
  seconds?: number;
  message?: string;
}

export interface Test {
  name: string;
  kind: "generic" | "singular" | "unit";
  column?: string;
  of?: number;
  arguments?: Record<string, unknown>;
  severity?: "error" | "warn";
}

export interface SourceTable {
  name: string;
  description?: string;
  loader?: string;
  format: string;
  location?: string;
  expected?: string[];
  age?: { status: string; max_loaded_at: string | null; asked_at: string | null; seconds: number | null };
}

export interface Exposure {
  type: string;
  label: string | null;
  maturity: string | null;
  url: string | null;
  email: string[];
}

export interface Macro {
  name: string;
  path: string;
  description: string;
  arguments: [name: string, type: string | null, description: string][];
  calls: string[];
  used_by: number[];
  text: string;
}

export interface Detail {
  raw?: string;
  compiled?: string;
  history?: Version[];
  ledger?: Ledger;
  rejected?: Rejected;
}

export interface Version {
  version: number;
  at: string | null;
  run?: string;
  rows?: number;
  millis?: number;
  why: string;
}

export interface Ledger {
  source: number | null;
  counts: Record<string, number>;
  rows: number;
  rejected_rows: number;
  files: LedgerFile[];
}

/** Rows and files that the sources of a table have set aside, and how many of them were accepted. */
export interface Rejected {
  table: string;
  sources: string[];
  rows: number;
  files: number;
  accepted_rows: number;
  accepted_files: number;
  accepted_by?: string;
  accepted_at?: string;
  sample: string[];
}

export interface LedgerFile {
  file: string;
  status: string;
  rows: number;
  rejected: number;
  size: number;
  at: string | null;
  reason?: string;
}

/** Compressed JSON, as the page and its parts carry it. */
export async function unpack<T>(text: string): Promise<T> {
  const bytes = Uint8Array.from(atob(text.trim()), (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return (await new Response(stream).json()) as T;
}
