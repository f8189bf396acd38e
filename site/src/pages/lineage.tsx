/** The lineage of the project, or of what a selector chooses of it; one column may be followed through all of it. */

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { Graph } from "../graph/view";
import { type Node, type Project, isListed } from "../project";
import { type Route, link, replace, toNode } from "../route";
import { select } from "../select";
import type { Columns, Place, Trace } from "../trace";
import { NodeLink, Status, kindOf, title } from "../ui/bits";
import { count, plural } from "../ui/format";
import { Inline, Summary } from "../ui/text";
import { selector } from "./node";

/** What the address says, with names looked up. */
interface Shown {
  select: string;
  exclude: string;
  tests: boolean;
  node: Node | undefined;
  column: number | undefined;
  open: Set<number>;
}

function shown(project: Project, query: URLSearchParams): Shown {
  const node = project.byId.get(query.get("node") ?? "");
  const column = node?.columns?.findIndex((column) => column.name === query.get("column")) ?? -1;
  const open = (query.get("open") ?? "").split(" ").flatMap((id) => project.byId.get(id)?.at ?? []);
  return {
    select: query.get("select") ?? "",
    exclude: query.get("exclude") ?? "",
    tests: query.get("tests") === "yes",
    node,
    column: column < 0 ? undefined : column,
    open: new Set(open),
  };
}

export function LineagePage({ project, columns, route }: { project: Project; columns: Columns; route: Route }) {
  const now = shown(project, route.query);
  const [center, setCenter] = useState<{ at: number }>();
  const go = (change: Partial<{ select: string; exclude: string; tests: string; node: string; column: string; open: string }>) => {
    const query = { ...Object.fromEntries(route.query), ...change };
    replace(link(["lineage"], query));
  };

  const selected = useMemo(() => select(project, now.select, now.exclude), [project, now.select, now.exclude]);
  const traced = useMemo(
    (): Place | undefined => (now.node && now.column !== undefined ? [now.node.at, now.column] : undefined),
    [now.node, now.column],
  );
  const trace = useMemo(() => (traced ? columns.trace(traced) : undefined), [columns, traced]);
  const nodes = useMemo(() => {
    const nodes = [...selected.chosen].filter((at) => now.tests || isListed(project.node(at)));
    // What a column is followed through is shown, if nothing was asked for: no more.
    if (trace && !now.select && !now.exclude) return [...trace.columns.keys()].sort((a, b) => a - b);
    return nodes.sort((a, b) => a - b);
  }, [project, selected, trace, now.tests, now.select, now.exclude]);
  const openKey = [...now.open].join(" ");
  const open = useMemo(() => new Set(openKey.split(" ").filter(Boolean).map(Number)), [openKey]);

  const onOpen = (at: number) => {
    const next = new Set(now.open);
    if (!next.delete(at)) next.add(at);
    go({ open: [...next].map((place) => project.node(place).id).join(" ") });
  };
  return (
    <div class="lineage">
      <Toolbar project={project} now={now} selected={selected} shown={nodes} go={go} onFind={(at) => {
        go({ node: project.node(at).id, column: "" });
        setCenter({ at });
      }} onOpenAll={() => go({ open: nodes.every((at) => now.open.has(at)) ? "" : nodes.map((at) => project.node(at).id).join(" ") })} />
      <div class="stage">
        <Graph
          project={project}
          nodes={nodes}
          open={open}
          selected={now.node?.at}
          traced={traced}
          trace={trace}
          center={center}
          covered={now.node ? 324 : 0}
          onSelect={(at) => go({ node: at === undefined ? "" : project.node(at).id, column: "" })}
          onColumn={([at, column]) => go({ node: project.node(at).id, column: project.node(at).columns?.[column]?.name ?? "" })}
          onOpen={onOpen}
          label="Lineage: arrow keys go from node to node, Enter selects, c opens columns, f fits"
        />
        {now.node && (
          <Panel project={project} columns={columns} node={now.node} place={traced} trace={trace} close={() => go({ node: "", column: "" })} focus={(text) => go({ select: text, exclude: "" })} follow={([at, column]) => go({ node: project.node(at).id, column: project.node(at).columns?.[column]?.name ?? "" })} />
        )}
      </div>
    </div>
  );
}

interface ToolbarProps {
  project: Project;
  now: Shown;
  selected: ReturnType<typeof select>;
  shown: number[];
  go: (change: { select?: string; exclude?: string; tests?: string; open?: string }) => void;
  onFind: (at: number) => void;
  onOpenAll: () => void;
}

function Toolbar({ project, now, selected, shown, go, onFind, onOpenAll }: ToolbarProps) {
  const [text, setText] = useState(now.select);
  const [exclude, setExclude] = useState(now.exclude);
  const [sought, setSought] = useState("");
  const last = useRef(0);
  useEffect(() => setText(now.select), [now.select]);
  useEffect(() => setExclude(now.exclude), [now.exclude]);
  const apply = (event: Event) => {
    event.preventDefault();
    go({ select: text.trim(), exclude: exclude.trim() });
  };
  const find = (event: Event) => {
    event.preventDefault();
    const words = sought.toLowerCase().split(/\s+/).filter(Boolean);
    if (words.length === 0) return;
    const found = shown.filter((at) => words.every((word) => title(project.node(at)).toLowerCase().includes(word)));
    const next = found[last.current % found.length];
    last.current += 1;
    if (next !== undefined) onFind(next);
  };
  const said = [...selected.errors, ...selected.warnings];
  return (
    <div class="toolbar">
      <form onSubmit={apply}>
        <label>
          <span>select</span>
          <input id="select" type="text" value={text} spellcheck={false} autocomplete="off" placeholder="all nodes; +name+, tag:x, path:models/staging" onInput={(event) => setText(event.currentTarget.value)} />
        </label>
        <label class="short">
          <span>exclude</span>
          <input id="exclude" type="text" value={exclude} spellcheck={false} autocomplete="off" onInput={(event) => setExclude(event.currentTarget.value)} />
        </label>
        <button type="submit">Apply</button>
      </form>
      <form onSubmit={find} role="search">
        <label class="short">
          <span>find</span>
          <input id="find" type="search" value={sought} spellcheck={false} autocomplete="off" placeholder="Enter for the next" onInput={(event) => {
            last.current = 0;
            setSought(event.currentTarget.value);
          }} />
        </label>
      </form>
      <label class="check">
        <input type="checkbox" checked={now.tests} onChange={(event) => go({ tests: event.currentTarget.checked ? "yes" : "" })} /> tests
      </label>
      {shown.length <= 120 && (
        <button type="button" onClick={onOpenAll}>
          {shown.length > 0 && shown.every((at) => now.open.has(at)) ? "Hide columns" : "Show columns"}
        </button>
      )}
      {(now.select || now.exclude || now.node || now.open.size > 0) && (
        <button type="button" onClick={() => replace(link(["lineage"]))}>
          Reset
        </button>
      )}
      <span class="quiet shown-count">{plural(shown.length, "node")}</span>
      {said.length > 0 && (
        <ul class={selected.errors.length > 0 ? "error" : "caution-text"} role="alert">
          {said.map((line) => (
            <li key={line}>{line}</li>
          ))}
        </ul>
      )}
    </div>
  );
}

interface PanelProps {
  project: Project;
  columns: Columns;
  node: Node;
  place: Place | undefined;
  trace: Trace | undefined;
  close: () => void;
  focus: (selector: string) => void;
  follow: (place: Place) => void;
}

/** What is known of the selected node or column, beside the graph. */
function Panel({ project, columns, node, place, trace, close, focus, follow }: PanelProps) {
  const name = selector(node);
  const column = place && node.columns?.[place[1]];
  return (
    <aside class="panel" aria-label="Selected">
      <button type="button" class="close" onClick={close} aria-label="Let go">
        ×
      </button>
      <p class="path">{kindOf(node)}</p>
      <h2>
        <a href={toNode(node.id)}>{title(node)}</a>
      </h2>
      {column && place ? (
        <>
          <h3>
            <code>{column.name}</code> <code class="type">{column.type}</code>
          </h3>
          {column.description && (
            <p>
              <Inline text={column.description} />
            </p>
          )}
          <Steps title="Made of" places={columns.above(place).map((step) => [step.from, step.how])} project={project} follow={follow} />
          <Steps title="Goes into" places={columns.below(place).map((step) => [step.to, step.how])} project={project} follow={follow} />
          <Users columns={columns} place={place} project={project} />
          {trace && (
            <p class="quiet">
              {plural([...trace.columns.values()].reduce((sum, set) => sum + set.size, 0), "column")} of{" "}
              {plural(trace.columns.size, "node")} in all.
            </p>
          )}
        </>
      ) : (
        <>
          {node.ended && <Status ended={node.ended} />}
          {node.description && (
            <p>
              <Summary text={node.description} />
            </p>
          )}
          <div class="choices">
            <button type="button" onClick={() => focus(`+${name}+`)}>
              Only its relatives
            </button>
            <button type="button" onClick={() => focus(`+${name}`)}>
              Upstream
            </button>
            <button type="button" onClick={() => focus(`${name}+`)}>
              Downstream
            </button>
          </div>
          <p class="quiet">
            {count([...project.relatives([node.at], "parents")].filter((at) => isListed(project.node(at))).length)} above,{" "}
            {count([...project.relatives([node.at], "children")].filter((at) => isListed(project.node(at))).length)} below
          </p>
          {(node.columns?.length ?? 0) > 0 && (
            <>
              <h3>Columns</h3>
              <ul class="plain">
                {node.columns?.map((column, at) => (
                  <li key={column.name}>
                    <button type="button" class="link" onClick={() => follow([node.at, at])}>
                      <code>{column.name}</code>
                    </button>{" "}
                    <code class="type">{column.type}</code>
                  </li>
                ))}
              </ul>
            </>
          )}
        </>
      )}
    </aside>
  );
}

function Steps({ title, places, project, follow }: {
  title: string;
  places: (readonly [Place, string])[];
  project: Project;
  follow: (place: Place) => void;
}) {
  if (places.length === 0) return null;
  return (
    <>
      <h3>{title}</h3>
      <ul class="plain">
        {places.map(([place, how]) => (
          <li key={place.join(".")}>
            <button type="button" class="link" onClick={() => follow(place)}>
              <code>
                {project.node(place[0]).name}.<wbr />
                {project.node(place[0]).columns?.[place[1]]?.name}
              </code>
            </button>{" "}
            <small>{how}</small>
          </li>
        ))}
      </ul>
    </>
  );
}

/** Who uses a column without taking its value. */
function Users({ columns, place, project }: { columns: Columns; place: Place; project: Project }) {
  const users = columns.users(place);
  if (users.length === 0) return null;
  return (
    <>
      <h3>Decides in</h3>
      <ul class="plain">
        {users.map(({ node, column, kinds }) => (
          <li key={`${node}.${column}`}>
            <NodeLink node={project.node(node)}>
              {project.node(node).name}
              {column !== undefined && `.${project.node(node).columns?.[column]?.name}`}
            </NodeLink>{" "}
            <small>{kinds.join(", ")}</small>
          </li>
        ))}
      </ul>
    </>
  );
}
