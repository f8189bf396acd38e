/** The files that a table was loaded from, and what became of each. */

import { useEffect, useState } from "preact/hooks";
import type { SiteLedger, SiteRejects } from "../data";
import { type Node, type Project, isListed } from "../project";
import { NodeLink, Section } from "../ui/bits";
import { bytes, count, moment } from "../ui/format";

/** The ledgers of the models that are loaded from a source. */
export function Ledgers({ project, source }: { project: Project; source: Node }) {
  const [ledgers, setLedgers] = useState<[Node, SiteLedger][]>([]);
  useEffect(() => {
    let current = true;
    setLedgers([]);
    const readers = source.children.map((at) => project.node(at)).filter((node) => isListed(node));
    void Promise.all(readers.map(async (node) => [node, (await project.detail(node)).ledger] as const)).then((found) => {
      const own = found.filter((pair): pair is [Node, SiteLedger] => pair[1]?.source === source.at);
      if (current) setLedgers(own);
    });
    return () => {
      current = false;
    };
  }, [project, source]);
  return (
    <>
      {ledgers.map(([node, ledger]) => (
        <Files key={node.at} ledger={ledger} project={project} into={node} />
      ))}
    </>
  );
}

/** What the sources of a table have set aside: a warning until it is gone or acknowledged. */
export function SetAside({ rejected }: { rejected: SiteRejects }) {
  const extent = (rows: number, files: number) =>
    [rows > 0 && `${count(rows)} ${rows === 1 ? "row" : "rows"}`, files > 0 && `${count(files)} ${files === 1 ? "file" : "files"}`]
      .filter(Boolean)
      .join(" and ");
  const open = extent(rejected.rows - rejected.accepted_rows, rejected.files - rejected.accepted_files);
  const accepted = extent(rejected.accepted_rows, rejected.accepted_files);
  return (
    <Section title="Set aside" id="set-aside" extra={extent(rejected.rows, rejected.files)}>
      <p>
        {open ? <span class="status caution">{open} not accepted</span> : <span class="status good">all accepted</span>} of{" "}
        {rejected.sources.join(", ")} in <code>{rejected.table}</code>
      </p>
      {accepted && (
        <p>
          {accepted} accepted by {rejected.accepted_by}
          {rejected.accepted_at && <>, {moment(rejected.accepted_at)}</>}
        </p>
      )}
      <ul>
        {rejected.sample.map((line) => (
          <li key={line}>
            <code>{line}</code>
          </li>
        ))}
      </ul>
    </Section>
  );
}

const SHOWN = 30;

export function Files({ ledger, project, into }: { ledger: SiteLedger; project: Project; into?: Node }) {
  const [all, setAll] = useState(false);
  const total = Object.values(ledger.counts).reduce((sum, number) => sum + number, 0);
  const files = all ? ledger.files : ledger.files.slice(0, SHOWN);
  const source = ledger.source === null || into ? undefined : project.node(ledger.source);
  const told = Object.entries(ledger.counts).map(([status, number]) => `${count(number)} ${status}`);
  return (
    <Section title="Files" id="files" extra={told.join(", ")}>
      <p>
        {count(ledger.rows)} rows {into ? <>in <NodeLink node={into} /></> : source ? <>from <NodeLink node={source} /></> : null}
        {ledger.rejected_rows > 0 && <>, {count(ledger.rejected_rows)} rejected</>}
      </p>
      <table>
        <thead>
          <tr>
            <th>file</th>
            <th>status</th>
            <th class="number">rows</th>
            <th class="number">rejected</th>
            <th class="number">size</th>
            <th>loaded</th>
          </tr>
        </thead>
        <tbody>
          {files.map((file) => (
            <tr key={file.file}>
              <td>
                <code>{file.file}</code>
                {file.reason && <p class="reason">{file.reason}</p>}
              </td>
              <td>
                <span class={`status ${file.status === "loaded" ? "good" : "caution"}`}>{file.status}</span>
              </td>
              <td class="number">{count(file.rows)}</td>
              <td class="number">{file.rejected > 0 ? count(file.rejected) : ""}</td>
              <td class="number">{bytes(file.size)}</td>
              <td>{file.at && moment(file.at)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {!all && ledger.files.length > SHOWN && (
        <button type="button" class="button" onClick={() => setAll(true)}>
          Show {ledger.files.length < total ? `${ledger.files.length} of ${count(total)}` : `all ${count(total)}`}
        </button>
      )}
    </Section>
  );
}
