/** A macro: what it does, what it is called with, who calls it. */

import type { SiteMacro } from "../data";
import type { Project } from "../project";
import { toMacro } from "../route";
import { Chip, NodeLink, Section } from "../ui/bits";
import { Code, Inline, Markdown } from "../ui/text";

export function MacroPage({ project, macro }: { project: Project; macro: SiteMacro }) {
  return (
    <article>
      <header class="head">
        <p class="path">{macro.path}</p>
        <h1>
          {macro.name} <Chip tone="macro">macro</Chip>
        </h1>
      </header>
      {macro.description ? <Markdown text={macro.description} /> : <p class="quiet">No description.</p>}
      {macro.arguments.length > 0 && (
        <Section title="Arguments" id="arguments">
          <table>
            <tbody>
              {macro.arguments.map(([name, type, said]) => (
                <tr key={name}>
                  <th scope="row">
                    <code>{name}</code>
                  </th>
                  <td>
                    <code class="type">{type}</code>
                  </td>
                  <td>
                    <Inline text={said} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </Section>
      )}
      {(macro.used_by.length > 0 || macro.calls.length > 0) && (
        <div class="two">
          {macro.used_by.length > 0 && (
            <div>
              <h3>Called by</h3>
              <ul class="plain">
                {macro.used_by.map((at) => (
                  <li key={at}>
                    <NodeLink node={project.node(at)} />
                  </li>
                ))}
              </ul>
            </div>
          )}
          {macro.calls.length > 0 && (
            <div>
              <h3>Calls</h3>
              <ul class="plain">
                {macro.calls.map((name) => (
                  <li key={name}>
                    <a href={toMacro(name)}>{name}</a>
                  </li>
                ))}
              </ul>
            </div>
          )}
        </div>
      )}
      <Section title="Source" id="source">
        <Code text={macro.text} language="template" />
      </Section>
    </article>
  );
}
