/** The nodes of a layer, a tag or an owner, as a table. */

import { type Project, isListed } from "../project";
import { link } from "../route";
import { NodeLink, Status, kindOf } from "../ui/bits";
import { ago, bytes, count, moment, plural } from "../ui/format";
import { Summary } from "../ui/text";
import { type By, values } from "./sidebar";

export function ListPage({ project, by, value }: { project: Project; by: By; value: string }) {
  const nodes = project.nodes.filter((node) => isListed(node) && values(node, by).includes(value));
  return (
    <article>
      <header class="head">
        <p class="path">{by}</p>
        <h1>{value}</h1>
        <p class="chips">
          {plural(nodes.length, "node")}
          {by === "tag" && (
            <a class="button" href={link(["lineage"], { select: `tag:${value}` })}>
              Lineage
            </a>
          )}
        </p>
      </header>
      <table>
        <thead>
          <tr>
            <th>name</th>
            <th>kind</th>
            <th>last run</th>
            <th class="number">rows</th>
            <th class="number">size</th>
            <th>written</th>
            <th>what it is</th>
          </tr>
        </thead>
        <tbody>
          {nodes.map((node) => (
            <tr key={node.at}>
              <td>
                <NodeLink node={node} />
              </td>
              <td>{kindOf(node)}</td>
              <td>{node.ended && <Status ended={node.ended} />}</td>
              <td class="number">{node.facts?.rows == null ? "" : count(node.facts.rows)}</td>
              <td class="number">{node.facts ? bytes(node.facts.bytes) : ""}</td>
              <td class="nowrap" title={node.facts?.at ? moment(node.facts.at) : ""}>{node.facts?.at ? ago(node.facts.at) : ""}</td>
              <td>
                <Summary text={node.description} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </article>
  );
}
