/** What sources, exposures and tests are beside being nodes. */

import type { Node, Project } from "../project";
import { Fact, NodeList, Section, Status } from "../ui/bits";
import { ago, count, moment, span } from "../ui/format";
import { Inline } from "../ui/text";

export function SourceFacts({ node }: { node: Node }) {
  const { source } = node;
  if (!source) return null;
  return (
    <>
      {source.description && (
        <p class="quiet">
          Of <b>{source.name}</b>: <Inline text={source.description} />
        </p>
      )}
      <dl class="facts">
        <Fact name="format" value={source.format} />
        {source.location && <Fact name="read from" value={source.location} />}
        {source.loader && <Fact name="loaded by" value={source.loader} />}
        {source.expected && <Fact name="freshness" value={source.expected.join(", ")} />}
      </dl>
      {source.age && (
        <Section title="Freshness" id="freshness">
          <p>
            <Status ended={{ status: source.age.status }} />{" "}
            {source.age.seconds !== null && `${span(source.age.seconds)} old`}
            {source.age.asked_at && ` when asked ${ago(source.age.asked_at)}`}
            {source.age.max_loaded_at && `: the newest row came ${moment(source.age.max_loaded_at)}`}
          </p>
        </Section>
      )}
    </>
  );
}

export function ExposureFacts({ node }: { node: Node }) {
  const { exposure } = node;
  if (!exposure) return null;
  return (
    <dl class="facts">
      <Fact name="type" value={exposure.type} />
      {exposure.maturity && <Fact name="maturity" value={exposure.maturity} />}
      {exposure.email.map((email) => (
        <div key={email}>
          <dt>write to</dt>
          <dd>
            <a href={`mailto:${email}`}>{email}</a>
          </dd>
        </div>
      ))}
      {exposure.url && /^https?:/.test(exposure.url) && (
        <div>
          <dt>where</dt>
          <dd>
            <a href={exposure.url} target="_blank" rel="noopener noreferrer">
              {exposure.url}
            </a>
          </dd>
        </div>
      )}
    </dl>
  );
}

export function TestFacts({ project, node }: { project: Project; node: Node }) {
  const of = [...new Set([node.test?.of, ...(node.parents ?? [])])].filter((at) => at !== undefined);
  return (
    <>
      <dl class="facts">
        {node.test?.column && <Fact name="column" value={node.test.column} />}
        {node.test?.severity && <Fact name="severity" value={node.test.severity} />}
        {node.ended?.failures !== undefined && <Fact name="failures" value={count(node.ended.failures)} />}
      </dl>
      <NodeList title="Judges" nodes={of.map((at) => project.node(at))} />
    </>
  );
}
