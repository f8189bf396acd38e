/** The project as a tree: by folder, by layer, by tag, by owner. */

import { useEffect, useMemo, useState } from "preact/hooks";
import { type Node, type Project, isListed } from "../project";
import { link, toNode } from "../route";
import { title } from "../ui/bits";
import { remembered } from "../ui/memory";

export type By = "folder" | "layer" | "tag" | "owner";
const WAYS: By[] = ["folder", "layer", "tag", "owner"];

interface Branch {
  name: string;
  branches: Map<string, Branch>;
  leaves: Node[];
}

/** The values by which a node is found in a way of ordering. */
export function values(node: Node, by: By): string[] {
  switch (by) {
    case "folder":
      return [node.path];
    case "layer":
      return [node.kind === "source" ? "sources" : node.kind === "exposure" ? "exposures" : (node.schema ?? "none")];
    case "tag":
      return node.tags?.length ? node.tags : ["no tag"];
    case "owner":
      return [node.owner ?? "no owner"];
  }
}

function tree(project: Project, by: By): Branch {
  const root: Branch = { name: "", branches: new Map(), leaves: [] };
  const put = (path: string[], node: Node) => {
    let branch = root;
    for (const part of path) {
      let next = branch.branches.get(part);
      if (!next) {
        next = { name: part, branches: new Map(), leaves: [] };
        branch.branches.set(part, next);
      }
      branch = next;
    }
    branch.leaves.push(node);
  };
  const listed = project.nodes.filter(isListed);
  if (by === "folder") {
    for (const node of listed) {
      if (node.kind === "source") put(["sources", node.source?.name ?? ""], node);
      else if (node.kind === "exposure") put(["exposures"], node);
      else put(node.path.split("/").slice(0, -1), node);
    }
  } else {
    for (const node of listed) for (const value of values(node, by)) put([value], node);
  }
  if (by === "layer") root.branches = new Map([...root.branches].sort(layers(project)));
  else if (by !== "folder") {
    root.branches = new Map([...root.branches].sort(([a], [b]) => Number(a.startsWith("no ")) - Number(b.startsWith("no ")) || a.localeCompare(b)));
  }
  return root;
}

/** Layers in the order in which rows flow: by how deep their nodes lie. */
function layers(project: Project): (a: [string, Branch], b: [string, Branch]) => number {
  const depths = new Map<number, number>();
  const depth = (node: Node): number => {
    const known = depths.get(node.at);
    if (known !== undefined) return known;
    const found = Math.max(-1, ...(node.parents ?? []).map((at) => depth(project.node(at)))) + 1;
    depths.set(node.at, found);
    return found;
  };
  const mean = (branch: Branch) => branch.leaves.reduce((sum, node) => sum + depth(node), 0) / branch.leaves.length;
  return ([, a], [, b]) => mean(a) - mean(b);
}

export function Sidebar({ project, current }: { project: Project; current: string | undefined }) {
  const [by, setBy] = remembered<By>("headwater-by", "folder", WAYS);
  const root = useMemo(() => tree(project, by), [project, by]);
  return (
    <nav class="sidebar" aria-label="Project">
      <div class="tabs" role="tablist" aria-label="Order by">
        {WAYS.map((way) => (
          <button key={way} type="button" role="tab" aria-selected={way === by} onClick={() => setBy(way)}>
            {way}
          </button>
        ))}
      </div>
      <ul class="tree">
        {[...root.branches.values()].map((branch) => (
          <Folder key={`${by}/${branch.name}`} branch={branch} by={by} current={current} level={0} />
        ))}
        {root.leaves.map((node) => (
          <Leaf key={node.at} node={node} current={current} />
        ))}
        {by === "folder" && project.site.macros.length > 0 && <Macros project={project} current={current} />}
      </ul>
    </nav>
  );
}

const holds = (branch: Branch, id: string | undefined): boolean =>
  id !== undefined && (branch.leaves.some((node) => node.id === id) || [...branch.branches.values()].some((inner) => holds(inner, id)));

const size = (branch: Branch): number =>
  branch.leaves.length + [...branch.branches.values()].reduce((sum, inner) => sum + size(inner), 0);

function Folder({ branch, by, current, level }: { branch: Branch; by: By; current: string | undefined; level: number }) {
  const here = useMemo(() => holds(branch, current), [branch, current]);
  const [open, setOpen] = useState(here || (level === 0 && size(branch) <= 60));
  useEffect(() => {
    if (here) setOpen(true);
  }, [here]);
  return (
    <li>
      <details open={open} onToggle={(event) => setOpen((event.target as HTMLDetailsElement).open)}>
        <summary>
          {branch.name} <small>{size(branch)}</small>
        </summary>
        {open && (
          <ul>
            {[...branch.branches.values()].map((inner) => (
              <Folder key={inner.name} branch={inner} by={by} current={current} level={level + 1} />
            ))}
            {branch.leaves.map((node) => (
              <Leaf key={node.at} node={node} current={current} />
            ))}
            {by !== "folder" && (
              <li class="all">
                <a href={link(["by", by, branch.name])}>as a table</a>
              </li>
            )}
          </ul>
        )}
      </details>
    </li>
  );
}

function Leaf({ node, current }: { node: Node; current: string | undefined }) {
  const here = node.id === current;
  return (
    <li>
      <a href={toNode(node.id)} aria-current={here ? "page" : undefined} title={title(node)}>
        <i class={`dot ${node.kind}`} />
        {node.source ? node.name.slice(node.source.name.length + 1) : title(node)}
      </a>
    </li>
  );
}

function Macros({ project, current }: { project: Project; current: string | undefined }) {
  return (
    <li>
      <details open={current?.startsWith("macro.") ?? false}>
        <summary>
          macros <small>{project.site.macros.length}</small>
        </summary>
        <ul>
          {project.site.macros.map((macro) => (
            <li key={macro.name}>
              <a href={link(["macro", macro.name])} aria-current={current === `macro.${macro.name}` ? "page" : undefined}>
                <i class="dot macro" />
                {macro.name}
              </a>
            </li>
          ))}
        </ul>
      </details>
    </li>
  );
}
