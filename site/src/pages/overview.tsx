/** What the project says of itself, and what it holds. */

import { type Node, type Project, isListed } from "../project";
import { link } from "../route";
import { NodeLink, Section, Status, testLabel } from "../ui/bits";
import { count, moment, plural, value } from "../ui/format";
import { Inline, Markdown, Summary } from "../ui/text";

export function Overview({ project }: { project: Project }) {
  const { site } = project;
  const kinds = new Map<string, number>();
  for (const node of project.nodes) {
    const kind = node.kind === "unit_test" ? "unit test" : node.kind;
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  }
  const exposures = project.nodes.filter((node) => node.kind === "exposure");
  const sources = project.nodes.filter((node) => node.kind === "source");
  const troubled = project.nodes.filter(
    (node) => node.ended && ["fail", "error", "runtime error", "warn", "partial success"].includes(node.ended.status),
  );
  return (
    <article>
      <h1>{site.project}</h1>
      <p class="counts">
        {[...kinds].map(([kind, number]) => (
          <span key={kind}>
            <b>{count(number)}</b> {number === 1 ? kind : `${kind}s`}
          </span>
        ))}
      </p>
      {site.overview ? <Markdown text={site.overview} /> : <Welcome project={project} />}
      {troubled.length > 0 && <Troubled project={project} nodes={troubled} />}
      {exposures.length > 0 && (
        <Section title="Exposures" id="exposures">
          <Nodes nodes={exposures} />
        </Section>
      )}
      {sources.length > 0 && (
        <Section title="Sources" id="sources">
          <Sources sources={sources} />
        </Section>
      )}
      {Object.keys(site.vars).some((name) => !site.overview.includes(name)) && (
        <Section title="Variables" id="vars">
          <table>
            <tbody>
              {Object.entries(site.vars).map(([name, said]) => (
                <tr key={name}>
                  <th scope="row">
                    <code>{name}</code>
                  </th>
                  <td>
                    <code>{value(said)}</code>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </Section>
      )}
      {site.groups.length > 0 && (
        <Section title="Groups" id="groups">
          <table>
            <tbody>
              {site.groups.map((group) => (
                <tr key={group.name}>
                  <th scope="row">{group.name}</th>
                  <td>{group.owner}</td>
                  <td>
                    <Inline text={group.description} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </Section>
      )}
      <footer class="made">
        Made {moment(site.generated_at)} of target <b>{site.target}</b> by Headwater {site.tool_version}
        {site.last_run?.at && `; results are those of \`${site.last_run.command ?? "run"}\`, ${moment(site.last_run.at)}`}. <a href={link(["licences"])}>Licences</a>
      </footer>
    </article>
  );
}

/** For a project that says nothing of itself. */
function Welcome({ project }: { project: Project }) {
  const first = project.nodes.find((node) => node.kind === "model");
  return (
    <p class="quiet">
      Write a block <code>{"{% docs __overview__ %}"}</code> in a Markdown file beside the models to say here what this project is
      for. See the <a href={link(["lineage"])}>lineage</a> of all{" "}
      {plural(project.nodes.filter(isListed).length, "node")}
      {first && (
        <>
          , or begin with <NodeLink node={first} />
        </>
      )}
      .
    </p>
  );
}

/** What did not end well. */
function Troubled({ project, nodes }: { project: Project; nodes: Node[] }) {
  return (
    <Section title="Not well" id="not-well" extra={`${plural(nodes.length, "node")} of the last run`}>
      <table>
        <tbody>
          {nodes.map((node) => {
            const of = node.test?.of === undefined ? undefined : project.node(node.test.of);
            return (
              <tr key={node.at}>
                <td>
                  <Status ended={node.ended} />
                </td>
                <td>
                  <NodeLink node={node}>{node.test ? testLabel(node) : undefined}</NodeLink>
                </td>
                <td>
                  {of && <NodeLink node={of} />}
                  {node.test?.column && <code> {node.test.column}</code>}
                </td>
                <td class="quiet">{node.ended?.message}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </Section>
  );
}

export function Sources({ sources }: { sources: Node[] }) {
  return (
    <table>
      <thead>
        <tr>
          <th>source</th>
          <th>read from</th>
          <th>fresh</th>
          <th>what it is</th>
        </tr>
      </thead>
      <tbody>
        {sources.map((node) => (
          <tr key={node.at}>
            <td>
              <NodeLink node={node} />
            </td>
            <td>{node.source?.format}</td>
            <td>{node.source?.age ? <Status ended={{ status: node.source.age.status }} /> : ""}</td>
            <td>
              <Summary text={node.description} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** Nodes with the first paragraph of what is said of them. */
export function Nodes({ nodes }: { nodes: Node[] }) {
  return (
    <table>
      <tbody>
        {nodes.map((node) => (
          <tr key={node.at}>
            <td>
              <NodeLink node={node} />
            </td>
            <td class="number">{node.facts?.rows == null ? "" : count(node.facts.rows)}</td>
            <td>
              <Summary text={node.description} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
