/** Small things that many pages show. */

import type { ComponentChildren } from "preact";
import type { SiteResult } from "../data";
import type { Node } from "../project";
import { toNode } from "../route";

/** What readers call a kind of node. */
export function kindOf(node: Node): string {
  if (node.kind === "model") return node.materialized ?? "model";
  return node.kind === "unit_test" ? "unit test" : node.kind;
}

/** A node's name that leads to its page, with a dot in its kind's colour. */
export function NodeLink({ node, children }: { node: Node; children?: ComponentChildren }) {
  return (
    <a class="node-link" href={toNode(node.id)} title={node.id}>
      <i class={`dot ${node.kind}`} />
      {children ?? title(node)}
    </a>
  );
}

/** What a node is called on its page. */
export function title(node: Node): string {
  return node.exposure?.label ?? node.name;
}

export function Chip({ children, tone, href }: { children: ComponentChildren; tone?: string; href?: string }) {
  const name = `chip ${tone ?? ""}`;
  return href ? (
    <a class={name} href={href}>
      {children}
    </a>
  ) : (
    <span class={name}>{children}</span>
  );
}

const TONES: Record<string, string> = {
  pass: "good",
  success: "good",
  reused: "good",
  "no-op": "good",
  warn: "caution",
  "partial success": "caution",
  fail: "bad",
  error: "bad",
  "runtime error": "bad",
};

/** How something ended, as a word in its colour. */
export function Status({ ended }: { ended: SiteResult | undefined }) {
  if (!ended) return <span class="status none" title="has not run yet">not run</span>;
  const found = ended.failures ? ` ${ended.failures}` : "";
  return (
    <span class={`status ${TONES[ended.status] ?? "none"}`} title={ended.message ?? ""}>
      {ended.status}
      {found}
    </span>
  );
}

export function Section({ title, id, extra, children }: {
  title: string;
  id: string;
  extra?: ComponentChildren;
  children: ComponentChildren;
}) {
  return (
    <section aria-labelledby={id}>
      <h2 id={id}>
        {title} {extra && <small>{extra}</small>}
      </h2>
      {children}
    </section>
  );
}

/** A test as people speak of it: `not_null`, `accepted_values: a, b`, `relationships: orders.id`. */
export function testLabel(node: Node): string {
  const test = node.test;
  if (!test) return node.name;
  const { to, field } = test.arguments ?? {};
  if (test.name === "relationships" && typeof to === "string" && typeof field === "string") {
    return `relationships: ${to.replace(/^ref\(['"](.*)['"]\)$/, "$1")}.${field}`;
  }
  const told = Object.entries(test.arguments ?? {}).filter(([key]) => key !== "model" && key !== "column_name");
  const words = told.map(([key, value]) => {
    const text = Array.isArray(value) ? value.join(", ") : typeof value === "string" ? value : JSON.stringify(value);
    return told.length === 1 ? text : `${key} ${text}`;
  });
  return words.length > 0 ? `${test.name}: ${words.join("; ")}` : test.name;
}

/** A number or a word with its name, in a list of such. */
export function Fact({ name, value, title }: { name: string; value: string; title?: string }) {
  return (
    <div title={title}>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

/** Nodes under a heading; nothing if there are none. */
export function NodeList({ title, nodes }: { title: string; nodes: Node[] }) {
  if (nodes.length === 0) return null;
  return (
    <div>
      <h3>{title}</h3>
      <ul class="plain">
        {nodes.map((node) => (
          <li key={node.at}>
            <NodeLink node={node} />
          </li>
        ))}
      </ul>
    </div>
  );
}
