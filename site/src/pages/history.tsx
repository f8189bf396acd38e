/** The versions of a table, and how it grew. */

import type { SiteVersion } from "../data";
import { Section } from "../ui/bits";
import { Growth } from "../ui/chart";
import { count, duration, moment } from "../ui/format";

export function History({ versions }: { versions: SiteVersion[] }) {
  return (
    <Section title="Versions" id="versions" extra={`the last ${versions.length}`}>
      <Growth versions={versions} />
      <table>
        <thead>
          <tr>
            <th class="number">version</th>
            <th>committed</th>
            <th class="number">rows</th>
            <th class="number">took</th>
            <th>why</th>
            <th>run</th>
          </tr>
        </thead>
        <tbody>
          {versions.map((version) => (
            <tr key={version.version}>
              <td class="number">{version.version}</td>
              <td>{version.at && moment(version.at)}</td>
              <td class="number">{version.rows === undefined ? "" : count(version.rows)}</td>
              <td class="number">{version.millis === undefined ? "" : duration(version.millis)}</td>
              <td>{version.why}</td>
              <td>
                <code title={version.run}>{version.run?.slice(0, 8)}</code>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Section>
  );
}
