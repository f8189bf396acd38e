/** The columns of a node: what they are, how they were judged, what they are made of. */

import type { Node, Project } from "../project";
import { toColumn, toNode } from "../route";
import type { Columns } from "../trace";
import { Section, Status, testLabel } from "../ui/bits";
import { plural } from "../ui/format";
import { Inline } from "../ui/text";

export function ColumnTable({ project, columns, node, tests }: { project: Project; columns: Columns; node: Node; tests: Node[] }) {
  const made = node.columns?.some((column) => column.values || column.uses) ?? false;
  return (
    <Section title="Columns" id="columns" extra={node.columns?.length}>
      <table class="columns">
        <thead>
          <tr>
            <th>name</th>
            <th>type</th>
            <th>description</th>
            {tests.some((test) => test.test?.column) && <th>tests</th>}
            {made && <th>made of</th>}
            <th>
              <span class="hidden">lineage</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {node.columns?.map((column, at) => {
            const own = tests.filter((test) => test.test?.column === column.name);
            const below = columns.below([node.at, at]).length;
            return (
              <tr key={column.name} id={`column-${column.name}`}>
                <th scope="row">
                  <code>{column.name}</code>
                </th>
                <td>
                  <code class="type">{column.type}</code>
                </td>
                <td>
                  <Inline text={column.description ?? ""} />
                </td>
                {tests.some((test) => test.test?.column) && (
                  <td class="tests">
                    {own.map((test) => (
                      <a key={test.at} href={toNode(test.id)}>
                        {testLabel(test)} <Status ended={test.ended} />
                      </a>
                    ))}
                  </td>
                )}
                {made && (
                  <td class="origins">
                    {column.values?.map(([of, from, how]) => {
                      const origin = project.node(of);
                      const name = origin.columns?.[from]?.name;
                      return (
                        <a key={`${of}.${from}`} href={toNode(origin.id)} title={how}>
                          {origin.name}.<wbr />
                          {name} {how !== "copied" && <small>{how}</small>}
                        </a>
                      );
                    })}
                  </td>
                )}
                <td class="trace">
                  <a href={toColumn(node.id, column.name)} title={`Follow ${column.name} through the project: ${plural(below, "column")} made of it`}>
                    trace
                  </a>
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </Section>
  );
}
