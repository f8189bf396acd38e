/** What nodes look like: from close by one by one, from afar all of a kind at once. */

import { useMemo } from "preact/hooks";
import type { SiteKind } from "../data";
import { type Node, type Project, isListed } from "../project";
import type { Place } from "../trace";
import { kindOf, title } from "../ui/bits";
import type { Placed } from "./layout";

/** The height of a node without columns, and of each column. */
export const HEAD = 30;
export const ROW = 19;

/** All nodes of a kind as seen from afar. */
export function Far({ kind, boxes, project, lit }: {
  kind: SiteKind;
  boxes: Placed[];
  project: Project;
  lit: ReadonlySet<number> | undefined;
}) {
  const [bright, dim] = useMemo(() => {
    const shapes = ["", ""];
    for (const box of boxes) {
      if (project.node(box.id).kind !== kind) continue;
      const which = !lit || lit.has(box.id) ? 0 : 1;
      shapes[which] += `M${box.x},${box.y}h${box.width}v${box.height}h${-box.width}z`;
    }
    return shapes;
  }, [kind, boxes, project, lit]);
  return (
    <>
      {dim && <path class={`far dim ${kind}`} d={dim} />}
      {bright && <path class={`far ${kind}`} d={bright} />}
    </>
  );
}

interface DrawnProps {
  box: Placed;
  node: Node;
  rows: number[] | undefined;
  open: boolean;
  lit: boolean;
  selected: boolean;
  traced: Place | undefined;
  onTrace: ReadonlySet<number> | undefined;
  onSelect: (at: number) => void;
  onColumn: ((place: Place) => void) | undefined;
  onOpen: ((at: number) => void) | undefined;
  onKey: (event: KeyboardEvent, at: number) => void;
}

/** One node as seen from close by. */
export function Drawn({ box, node, rows, open, lit, selected, traced, onTrace, onSelect, onColumn, onOpen, onKey }: DrawnProps) {
  const name = title(node);
  const fits = Math.floor((box.width - 34) / 7);
  const bad = node.ended && ["fail", "error", "runtime error"].includes(node.ended.status);
  return (
    <g
      class={`node ${node.kind} ${lit ? "" : "dim"} ${selected ? "selected" : ""} ${bad ? "bad" : ""}`}
      transform={`translate(${box.x},${box.y})`}
      data-at={node.at}
      tabindex={0}
      role="button"
      aria-pressed={selected}
      aria-label={`${kindOf(node)} ${name}`}
      onClick={() => onSelect(node.at)}
      onKeyDown={(event) => onKey(event, node.at)}
    >
      <title>{`${name} (${kindOf(node)})`}</title>
      <rect class="box" width={box.width} height={box.height} rx={6} />
      <rect class="stripe" width={4} height={box.height} rx={2} />
      <text x={14} y={HEAD / 2 + 4}>
        {name.length > fits ? `${name.slice(0, fits - 1)}…` : name}
      </text>
      {onOpen && isListed(node) && (node.columns?.length ?? 0) > 0 && (
        <g
          class="opener"
          transform={`translate(${box.width - 20},${HEAD / 2 - 8})`}
          onClick={(event) => {
            event.stopPropagation();
            onOpen(node.at);
          }}
        >
          <title>{open ? "Hide its columns (c)" : "Show its columns (c)"}</title>
          <rect width={16} height={16} rx={3} />
          <path d={open ? "M4 10l4-4 4 4" : "M4 6l4 4 4-4"} />
        </g>
      )}
      {rows?.map((column, row) => {
        const isTraced = traced?.[0] === node.at && traced[1] === column;
        return (
          <g
            key={column}
            class={`column ${onTrace?.has(column) ? "on-trace" : ""} ${isTraced ? "traced" : ""}`}
            transform={`translate(0,${HEAD + row * ROW})`}
            tabindex={onColumn ? 0 : -1}
            role="button"
            aria-label={`column ${node.columns?.[column]?.name} of ${name}`}
            onClick={(event) => {
              event.stopPropagation();
              onColumn?.([node.at, column]);
            }}
            onKeyDown={(event) => {
              if (event.key !== "Enter" && event.key !== " ") return;
              event.preventDefault();
              event.stopPropagation();
              onColumn?.([node.at, column]);
            }}
          >
            <title>{node.columns?.[column]?.type}</title>
            <rect x={5} width={box.width - 7} height={ROW} rx={3} />
            <text x={14} y={ROW - 6}>
              {node.columns?.[column]?.name}
            </text>
          </g>
        );
      })}
    </g>
  );
}
