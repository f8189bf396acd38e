/** All that is known of one node. */

import { useEffect, useMemo, useState } from "preact/hooks";
import type { SiteDetail } from "../data";
import { Graph } from "../graph/view";
import { type Node, type Project, isListed } from "../project";
import { link, toNode } from "../route";
import type { Columns } from "../trace";
import { Chip, Fact, NodeLink, NodeList, Section, Status, kindOf, testLabel, title } from "../ui/bits";
import { ago, bytes, count, moment } from "../ui/format";
import { Code, Copy, Inline, Markdown } from "../ui/text";
import { ColumnTable } from "./columns";
import { ExposureFacts, SourceFacts, TestFacts } from "./facts";
import { Files, Ledgers, SetAside } from "./files";
import { History } from "./history";

export function NodePage({ project, columns, node }: { project: Project; columns: Columns; node: Node }) {
  const [detail, setDetail] = useState<SiteDetail>();
  const [failed, setFailed] = useState<string>();
  useEffect(() => {
    let current = true;
    setDetail(undefined);
    project.detail(node).then(
      (detail) => current && setDetail(detail),
      (error: unknown) => current && setFailed(String(error)),
    );
    return () => {
      current = false;
    };
  }, [project, node]);
  const tests = node.children.map((at) => project.node(at)).filter((child) => child.test);
  return (
    <article>
      <Head node={node} />
      {node.description ? <Markdown text={node.description} /> : !node.test && <p class="quiet">No description.</p>}
      {node.source && <SourceFacts node={node} />}
      {node.exposure && <ExposureFacts node={node} />}
      {node.test && <TestFacts project={project} node={node} />}
      {(node.columns?.length ?? 0) > 0 && <ColumnTable project={project} columns={columns} node={node} tests={tests} />}
      <Tests tests={tests.filter((test) => !test.test?.column)} />
      {!node.test && <Neighbours project={project} node={node} />}
      {failed && <p class="error">The details can't be read: {failed}</p>}
      {detail?.rejected && <SetAside rejected={detail.rejected} />}
      {detail?.ledger && <Files ledger={detail.ledger} project={project} />}
      {node.kind === "source" && <Ledgers project={project} source={node} />}
      {detail?.history && <History versions={detail.history} />}
      {(detail?.raw || detail?.compiled) && <Sql detail={detail} />}
    </article>
  );
}

function Head({ node }: { node: Node }) {
  const relation = node.schema && `${node.schema}.${node.alias}`;
  const { facts } = node;
  return (
    <header class="head">
      <p class="path">{node.path}</p>
      <h1>
        {node.test ? testLabel(node) : title(node)}
        <Chip tone={node.kind}>{kindOf(node)}</Chip>
        {node.ended && <Status ended={node.ended} />}
      </h1>
      <p class="chips">
        {relation && (
          <span class="relation">
            <code>{relation}</code>
            <Copy text={relation} />
          </span>
        )}
        {node.owner && <Chip href={link(["by", "owner", node.owner])}>owner {node.owner}</Chip>}
        {node.group && <Chip>group {node.group}</Chip>}
        {node.tags?.map((tag) => (
          <Chip key={tag} href={link(["by", "tag", tag])}>
            {tag}
          </Chip>
        ))}
        {isListed(node) && (
          <a class="button" href={link(["lineage"], { select: `+${selector(node)}+`, node: node.id })}>
            Lineage
          </a>
        )}
      </p>
      {node.ended?.message && <p class="error">{node.ended.message}</p>}
      {facts && (
        <dl class="facts">
          {facts.rows !== null && <Fact name="rows" value={count(facts.rows)} />}
          <Fact name="size" value={bytes(facts.bytes)} />
          <Fact name="files" value={count(facts.files)} />
          <Fact name="version" value={count(facts.version)} />
          {facts.at && (
            <Fact name="written" value={ago(facts.at)} title={moment(facts.at)} />
          )}
          {facts.partition_by && <Fact name="partitioned by" value={facts.partition_by.join(", ")} />}
        </dl>
      )}
      {!facts && ["table", "incremental"].includes(node.materialized ?? "") && (
        <p class="quiet">Not built yet: what is here comes from its SQL.</p>
      )}
    </header>
  );
}

/** What selects a node by name. */
export function selector(node: Node): string {
  if (node.kind === "source" || node.kind === "exposure" || node.kind === "unit_test") return `${node.kind}:${node.name}`;
  return node.name;
}

function Tests({ tests }: { tests: Node[] }) {
  if (tests.length === 0) return null;
  return (
    <Section title="Tests" id="tests" extra={tests.length}>
      <table>
        <tbody>
          {tests.map((test) => (
            <tr key={test.at}>
              <td>
                <Status ended={test.ended} />
              </td>
              <td>
                <NodeLink node={test}>{testLabel(test)}</NodeLink>
              </td>
              <td>
                <Inline text={test.description ?? ""} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Section>
  );
}

function Neighbours({ project, node }: { project: Project; node: Node }) {
  const above = useMemo(() => [...new Set(node.parents ?? [])], [node]);
  const below = useMemo(() => node.children.filter((at) => isListed(project.node(at))), [project, node]);
  const nodes = useMemo(() => [node.at, ...above, ...below], [node, above, below]);
  if (nodes.length === 1) return null;
  const go = (at: number | undefined) => {
    if (at !== undefined && at !== node.at) location.hash = toNode(project.node(at).id);
  };
  return (
    <Section title="Neighbours" id="neighbours" extra={`reads ${above.length}, read by ${below.length}`}>
      {nodes.length <= 60 && (
        <div class="small-graph">
          <Graph project={project} nodes={nodes} selected={undefined} onSelect={go} label={`What ${node.name} reads, and what reads it`} />
        </div>
      )}
      <div class="two">
        <NodeList title="Reads" nodes={above.map((at) => project.node(at))} />
        <NodeList title="Read by" nodes={below.map((at) => project.node(at))} />
      </div>
    </Section>
  );
}

function Sql({ detail }: { detail: SiteDetail }) {
  const [shown, setShown] = useState<"raw" | "compiled">(detail.raw ? "raw" : "compiled");
  const text = detail[shown] ?? detail.compiled ?? "";
  return (
    <Section title="SQL" id="sql">
      {detail.raw && detail.compiled && (
        <div class="tabs" role="tablist" aria-label="SQL">
          <button type="button" role="tab" aria-selected={shown === "raw"} onClick={() => setShown("raw")}>
            as written
          </button>
          <button type="button" role="tab" aria-selected={shown === "compiled"} onClick={() => setShown("compiled")}>
            compiled
          </button>
        </div>
      )}
      <Code text={text} language={shown === "raw" && detail.raw ? "template" : "sql"} />
    </Section>
  );
}
