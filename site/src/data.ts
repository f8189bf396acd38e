// Generated from src/docs/site.rs: HEADWATER_WRITE_DOCS=1 cargo test --lib page_types. Don't edit by hand.

/**
 * The data of the page.
 *
 * Nodes are named by their index in `Site.nodes`, and columns by their index in their node.
 */
export interface Site {
  /** The project's name. */
  project: string;
  /** The time at which the page was generated, as RFC 3339. */
  generated_at: string;
  /** Headwater's version. */
  tool_version: string;
  /** The target whose tables are shown. */
  target: string;
  /** The project's overview in Markdown; empty if there is none. */
  overview: string;
  /** The variables and their values. */
  vars: Record<string, unknown>;
  /** The last run whose results are shown. */
  last_run: SiteLastRun | null;
  nodes: SiteNode[];
  /** The project's macros. */
  macros: SiteMacro[];
  groups: SiteGroup[];
  /** The words of selectors. */
  selection: SiteSelection;
  /** The number of nodes whose details are in one part. */
  part: number;
}

/** A run. */
export interface SiteLastRun {
  /** The time at which the run ended, as RFC 3339. */
  at: string | null;
  /** The command, such as `build`. */
  command: string | null;
}

/** The part of a node that lists, search and the graph need. */
export interface SiteNode {
  /** The node's unique id. */
  id: string;
  /** dbt's resource type. */
  kind: SiteKind;
  /** The display name. */
  name: string;
  /** The path of the file that declares the node. */
  path: string;
  /** The fully qualified name: project, folders, name. */
  fqn: string[];
  /** The table's schema in the lake, which reflects the model's layer. */
  schema?: string;
  /** The table's name in that schema. */
  alias?: string;
  /** The materialization of a model. */
  materialized?: string;
  tags?: string[];
  owner?: string;
  /** The group that the node belongs to. */
  group?: string;
  /** The description in Markdown. */
  description?: string;
  /** The settings, for `config.…:` selectors. */
  config?: Record<string, unknown>;
  /** The columns, in order. */
  columns?: SiteColumn[];
  /** The columns that determine which rows the node has. */
  rows?: SiteUse[];
  /** The indices of the upstream nodes. */
  parents?: number[];
  /** The size of the table, if it exists. */
  facts?: SiteTableStatistics;
  /** The outcome in the last run; for a test, its latest verdict. */
  ended?: SiteResult;
  /** The test-specific part, for tests. */
  test?: SiteTest;
  /** The source-specific part, for sources. */
  source?: SiteSource;
  /** The exposure-specific part, for exposures. */
  exposure?: SiteExposure;
}

/** A column: its name, type, description and lineage. */
export interface SiteColumn {
  /** The column's name. */
  name: string;
  /** The type, as written in SQL. */
  type: string;
  /** The description in Markdown. */
  description?: string;
  /** The columns that its values derive from: node, column and kind, such as `copied`. */
  values?: [number, number, SiteDerivation][];
  /** The columns that determine which value it takes. */
  uses?: SiteUse[];
}

/** A column and how it is used: node, column and uses, such as `join`. */
export type SiteUse = [number, number, SiteColumnUse[]];

/** dbt's resource type of a node. */
export type SiteKind = "model" | "seed" | "snapshot" | "source" | "test" | "unit_test" | "exposure";

/** The way in which a column's values derive from another's. */
export type SiteDerivation = "copied" | "renamed" | "transformed" | "aggregated";

/** A use of a column other than for its values. */
export type SiteColumnUse = "filter" | "join" | "group" | "order" | "window" | "condition";

/** The kind of a test. */
export type SiteTestKind = "generic" | "singular" | "unit";

/** The severity of a test's failures. */
export type SiteSeverity = "error" | "warn";

/** The name of a selection method. */
export type SiteMethod =
  | "access"
  | "config"
  | "exposure"
  | "file"
  | "fqn"
  | "group"
  | "package"
  | "path"
  | "resource_type"
  | "selector"
  | "source"
  | "tag"
  | "test_name"
  | "test_type"
  | "unit_test";

/** The words of selectors, which the page understands as the command line does. */
export interface SiteSelection {
  /** The methods. */
  methods: SiteMethod[];
  /** Other methods of dbt, and those that only the command line has. */
  other_methods: string[];
  /** dbt's resource types, including those that no project has here. */
  resource_types: string[];
  /** The values of `test_type:`, each with the kinds of tests that it selects. */
  test_types: Record<string, SiteTestKind[]>;
  /** The extensions by which a value without a method is taken for a file. */
  file_extensions: string[];
}

/** The newest version of a table. */
export interface SiteTableStatistics {
  /** The version number. */
  version: number;
  /** The number of rows, if the log records it. */
  rows: number | null;
  /** The number of data files. */
  files: number;
  /** The size of the data files in bytes. */
  bytes: number;
  /** The partition columns. */
  partition_by?: string[];
  /** The commit time, as RFC 3339. */
  at: string | null;
}

/** The outcome of a node. */
export interface SiteResult {
  /** dbt's status. */
  status: string;
  /** The number of failing rows that a test found. */
  failures?: number;
  /** The execution time in seconds. */
  seconds?: number;
  /** The message, if the outcome isn't a success. */
  message?: string;
}

/** A test. */
export interface SiteTest {
  /** The generic test's name, such as `not_null`, or a singular test's own name. */
  name: string;
  /** The kind of test. */
  kind: SiteTestKind;
  /** The column that the test is declared on. */
  column?: string;
  /** The index of the node that the test is declared on. */
  of?: number;
  /** The arguments, as in YAML. */
  arguments?: Record<string, unknown>;
  /** The severity of its failures; unit tests have none. */
  severity?: SiteSeverity;
}

/** A source table. */
export interface SiteSource {
  /** The name of the source that contains the table. */
  name: string;
  /** The description of that source. */
  description?: string;
  /** The tool or team that loads the source. */
  loader?: string;
  /** The format: `json`, `sqlite`, `delta` and so on. */
  format: string;
  /** The location, without secrets. */
  location?: string;
  /** The freshness limits, such as `warn after 12 hours`. */
  expected?: string[];
  /** The age at the last freshness check. */
  age?: SiteAge;
}

/** The result of a freshness check. */
export interface SiteAge {
  /** `pass`, `warn`, `error` or `runtime error`. */
  status: string;
  /** The time at which the newest row was loaded, as RFC 3339. */
  max_loaded_at: string | null;
  /** The time of the check, as RFC 3339. */
  asked_at: string | null;
  /** The age in seconds. */
  seconds: number | null;
}

/** An exposure. */
export interface SiteExposure {
  /** The type, such as `dashboard`. */
  type: string;
  /** The display name. */
  label: string | null;
  maturity: string | null;
  url: string | null;
  /** The owner's email addresses. */
  email: string[];
}

/** A macro. */
export interface SiteMacro {
  /** The macro's name. */
  name: string;
  /** The path of the macro's file. */
  path: string;
  /** The description in Markdown. */
  description: string;
  /** The arguments: name, type and description. */
  arguments: [string, string | null, string][];
  /** The names of the macros it calls. */
  calls: string[];
  /** The indices of the nodes that call it. */
  used_by: number[];
  /** The complete source text. */
  text: string;
}

/** A group. */
export interface SiteGroup {
  /** The group's name. */
  name: string;
  /** The description in Markdown. */
  description: string;
  owner: string | null;
}

/** The part of a node that only its own page shows. */
export interface SiteDetail {
  /** The SQL as written. */
  raw?: string;
  /** The compiled SQL. */
  compiled?: string;
  /** The newest versions, newest first. */
  history?: SiteVersion[];
  /** The files that the table was loaded from. */
  ledger?: SiteLedger;
  /** The rows and files rejected from its sources. */
  rejected?: SiteRejects;
}

/** A version of a table. */
export interface SiteVersion {
  /** The version number. */
  version: number;
  /** The commit time, as RFC 3339. */
  at: string | null;
  /** The id of the run that made it. */
  run?: string;
  /** The number of rows. */
  rows?: number;
  /** The build time in milliseconds. */
  millis?: number;
  /** The reason for the build. */
  why: string;
}

/** The rows and files that were rejected from a table's sources. */
export interface SiteRejects {
  /** The companion table that holds them. */
  table: string;
  /** The display names of the sources. */
  sources: string[];
  /** The number of rows rejected individually. */
  rows: number;
  /** The number of files rejected as a whole. */
  files: number;
  /** The number of rejected rows that were acknowledged. */
  accepted_rows: number;
  /** The number of rejected files that were acknowledged. */
  accepted_files: number;
  /** The person who last acknowledged rejects. */
  accepted_by?: string;
  /** The time of that acknowledgement, as RFC 3339. */
  accepted_at?: string;
  /** Sample rejects: `file:line: reason`. */
  sample: string[];
}

/** The files that a table was loaded from. */
export interface SiteLedger {
  /** The index of the source that the files belong to. */
  source: number | null;
  /** The number of files per status. */
  counts: Record<string, number>;
  /** The number of their rows in the table. */
  rows: number;
  /** The number of their rows that were rejected. */
  rejected_rows: number;
  /** The files: first those that need attention, then the newest. Long lists are truncated. */
  files: SiteFile[];
}

/** A file of a ledger. */
export interface SiteFile {
  /** The file's name. */
  file: string;
  /** The load status. */
  status: string;
  /** The number of its rows in the table. */
  rows: number;
  /** The number of its rows that were rejected. */
  rejected: number;
  /** The size in bytes. */
  size: number;
  /** The load time, as RFC 3339. */
  at: string | null;
  /** The reason for its rejection. */
  reason?: string;
}
