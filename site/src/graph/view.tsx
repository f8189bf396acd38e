/**
 * A graph of nodes that can be moved about, zoomed, walked through by keys, and opened to columns.
 *
 * However many nodes there are, only those in sight are drawn one by one; from afar all are a few shapes.
 */

import { select } from "d3-selection";
import "d3-transition";
import { type ZoomBehavior, type ZoomTransform, zoom, zoomIdentity } from "d3-zoom";
import { options } from "preact";
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { SiteKind } from "../data";
import type { Project } from "../project";
import type { Place, Trace } from "../trace";
import { title } from "../ui/bits";
import { type Sight, curve } from "./curve";
import { type Layout, type Placed, layout } from "./layout";
import { Drawn, Far, HEAD, ROW } from "./shapes";

/** Below this scale words can't be read, and are not drawn. */
const FAR = 0.55;
/** Columns of an open node that are shown; traced ones always are. */
const COLUMNS = 40;
const KINDS: SiteKind[] = ["source", "seed", "model", "snapshot", "exposure", "test", "unit_test"];

/** The columns that are shown of each node. */
type Rows = ReadonlyMap<number, number[]>;

export interface GraphProps {
  project: Project;
  /** The nodes that are shown. */
  nodes: number[];
  /** The nodes that are open to their columns. */
  open?: ReadonlySet<number>;
  /** The node whose relatives stand out. */
  selected?: number | undefined;
  /** The column that is followed, and where it leads. */
  traced?: Place | undefined;
  trace?: Trace | undefined;
  /** The node that is wanted in the middle; a new object for each wish. */
  center?: { at: number } | undefined;
  /** Pixels at the right that something else covers. */
  covered?: number;
  onSelect: (at: number | undefined) => void;
  onColumn?: (place: Place) => void;
  onOpen?: (at: number) => void;
  label: string;
}

export function Graph(props: GraphProps) {
  const { project, nodes, open, selected, traced, trace, center, covered = 0, onSelect, onColumn, onOpen, label } = props;
  const svg = useRef<SVGSVGElement>(null);
  const scene = useRef<SVGGElement>(null);
  const zoomer = useRef<ZoomBehavior<SVGSVGElement, unknown> | undefined>(undefined);
  const transform = useRef<ZoomTransform>(zoomIdentity);
  const [drawn, setDrawn] = useState<{ layout: Layout; rows: Rows }>();
  const [sight, setSight] = useState<Sight>();
  const [printing, setPrinting] = useState(false);
  const [wanted, setWanted] = useState<number>();
  const fitted = useRef<Layout | undefined>(undefined);

  const wantedRows = useMemo((): Rows => {
    const rows = new Map<number, number[]>();
    for (const at of nodes) {
      const columns = project.node(at).columns ?? [];
      const onTrace = trace?.columns.get(at);
      if (open?.has(at)) {
        const shown = columns.map((_, column) => column).filter((column) => column < COLUMNS || onTrace?.has(column));
        rows.set(at, shown);
      } else if (onTrace) {
        rows.set(at, [...onTrace].sort((a, b) => a - b));
      }
    }
    return rows;
  }, [project, nodes, open, trace]);

  const asked = useMemo(() => {
    const shown = new Set(nodes);
    const boxes = nodes.map((at) => {
      const node = project.node(at);
      const columns = wantedRows.get(at) ?? [];
      const words = Math.max(title(node).length + 3, ...columns.map((column) => (node.columns?.[column]?.name.length ?? 0) + 2));
      const height = HEAD + (columns.length > 0 ? columns.length * ROW + 6 : 0);
      return { id: at, width: Math.round(Math.min(320, Math.max(96, words * 7 + 22))), height };
    });
    const edges = nodes.flatMap((at) =>
      (project.node(at).parents ?? []).filter((parent) => shown.has(parent)).map((parent): [number, number] => [parent, at]),
    );
    return { boxes, edges };
  }, [project, nodes, wantedRows]);

  useEffect(() => {
    let current = true;
    const result = layout(asked);
    const draw = (layout: Layout) => current && setDrawn({ layout, rows: wantedRows });
    if (result instanceof Promise) void result.then(draw);
    else draw(result);
    return () => {
      current = false;
    };
  }, [asked, wantedRows]);
  // What is drawn is what was laid out: columns that were asked for since have no place yet.
  const placed = drawn?.layout;
  const rows = drawn?.rows;

  const boxes = useMemo(() => new Map(placed?.boxes.map((box) => [box.id, box])), [placed]);

  const look = useCallback(() => {
    const element = svg.current;
    if (!element) return;
    const { x, y, k } = transform.current;
    scene.current?.setAttribute("transform", `translate(${x},${y}) scale(${k})`);
    const [width, height] = [element.clientWidth, element.clientHeight];
    const [left, top, right, bottom] = [-x / k, -y / k, (width - x) / k, (height - y) / k];
    const far = k < FAR;
    setSight((before) => {
      const inside =
        before && before.far === far && left >= before.left && top >= before.top && right <= before.right && bottom <= before.bottom;
      // From close by, what was drawn for a much wider view is too much.
      if (inside && (far || right - left > (before.right - before.left) / 3)) return before;
      const [w, h] = [(right - left) / 4, (bottom - top) / 4];
      return { left: left - w, top: top - h, right: right + w, bottom: bottom + h, far };
    });
  }, []);

  useLayoutEffect(() => {
    if (!svg.current) return;
    const behaviour = zoom<SVGSVGElement, unknown>()
      .scaleExtent([0.01, 2.5])
      .on("zoom", ({ transform: now }: { transform: ZoomTransform }) => {
        transform.current = now;
        look();
      });
    zoomer.current = behaviour;
    select(svg.current).call(behaviour).on("dblclick.zoom", null);
    const resized = new ResizeObserver(look);
    resized.observe(svg.current);
    return () => resized.disconnect();
  }, [look]);

  const move = useCallback((to: ZoomTransform, slowly: boolean) => {
    if (!svg.current || !zoomer.current) return;
    const still = !slowly || matchMedia("(prefers-reduced-motion: reduce)").matches;
    if (still) select(svg.current).call(zoomer.current.transform, to);
    else select(svg.current).transition().duration(250).call(zoomer.current.transform, to);
  }, []);

  const fit = useCallback(
    (slowly = true) => {
      const element = svg.current;
      if (!element || !placed || placed.boxes.length === 0) return;
      const [width, height] = [element.clientWidth - covered, element.clientHeight];
      const k = Math.min(1.1, (width - 48) / placed.width, (height - 48) / placed.height);
      move(zoomIdentity.translate((width - placed.width * k) / 2, (height - placed.height * k) / 2).scale(k), slowly);
    },
    [placed, move, covered],
  );

  const show = useCallback(
    (at: number, slowly = true) => {
      const box = boxes.get(at);
      const element = svg.current;
      if (!box || !element) return;
      const k = Math.max(transform.current.k, 0.8);
      const x = (element.clientWidth - covered) / 2 - (box.x + box.width / 2) * k;
      const y = element.clientHeight / 2 - (box.y + box.height / 2) * k;
      move(zoomIdentity.translate(x, y).scale(k), slowly);
    },
    [boxes, move, covered],
  );

  // A new layout is shown whole or, if that would be too small to read, around what is selected.
  useLayoutEffect(() => {
    if (!placed || !svg.current || fitted.current === placed) return;
    const first = fitted.current === undefined;
    fitted.current = placed;
    fit(!first);
    const k = Math.min((svg.current.clientWidth - covered) / placed.width, svg.current.clientHeight / placed.height);
    if (selected !== undefined && k < 0.5) show(selected, false);
  }, [placed, fit, show, selected, covered]);

  useEffect(() => {
    if (center) show(center.at);
  }, [center, show]);

  // What the keys move to may have to be drawn first.
  useEffect(() => {
    if (wanted === undefined) return;
    const element = svg.current?.querySelector<SVGGElement>(`[data-at="${wanted}"]`);
    if (element) {
      element.focus();
      setWanted(undefined);
    }
  }, [wanted, sight]);

  // On paper all of it is there, as large as it fits.
  useEffect(() => {
    const print = (on: boolean) => () => {
      // The browser takes its picture as soon as this returns.
      const before = options.debounceRendering;
      options.debounceRendering = (render) => render();
      setPrinting(on);
      options.debounceRendering = before;
    };
    const [before, after] = [print(true), print(false)];
    addEventListener("beforeprint", before);
    addEventListener("afterprint", after);
    return () => {
      removeEventListener("beforeprint", before);
      removeEventListener("afterprint", after);
    };
  }, []);

  const lit = useMemo(() => {
    if (trace) return new Set(trace.columns.keys());
    if (selected === undefined) return undefined;
    const lit = new Set([selected]);
    for (const direction of ["parents", "children"] as const) {
      for (const at of project.relatives([selected], direction)) lit.add(at);
    }
    return lit;
  }, [project, selected, trace]);

  const key = (event: KeyboardEvent, at: number) => {
    const node = project.node(at);
    const near = (places: number[]) => {
      const y = boxes.get(at)?.y ?? 0;
      const shown = places.map((place) => boxes.get(place)).filter((box): box is Placed => !!box);
      return shown.sort((a, b) => Math.abs(a.y - y) - Math.abs(b.y - y))[0]?.id;
    };
    const beside = (sign: number) => {
      const own = boxes.get(at);
      const layer = own && placed?.boxes.filter((box) => box.id !== at && Math.abs(box.x + box.width / 2 - own.x - own.width / 2) < 40 && (box.y - own.y) * sign > 0);
      return layer?.sort((a, b) => (a.y - b.y) * sign)[0]?.id;
    };
    const steps: Record<string, () => number | undefined> = {
      ArrowLeft: () => near(node.parents ?? []),
      ArrowRight: () => near(node.children),
      ArrowUp: () => beside(-1),
      ArrowDown: () => beside(1),
    };
    const step = steps[event.key];
    if (step) {
      const next = step();
      if (next !== undefined) {
        setWanted(next);
        show(next);
      }
    } else if (event.key === "Enter" || event.key === " ") {
      onSelect(at);
    } else if (event.key === "c" && onOpen) {
      onOpen(at);
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  };

  const pan = (event: KeyboardEvent) => {
    const element = svg.current;
    if (!element || !zoomer.current) return;
    const zoomed = select(element);
    if (event.key === "+" || event.key === "=") zoomed.call(zoomer.current.scaleBy, 1.3);
    else if (event.key === "-") zoomed.call(zoomer.current.scaleBy, 1 / 1.3);
    else if (event.key === "f" || event.key === "0") fit();
    else if (event.key === "Escape") onSelect(undefined);
    else return;
    event.preventDefault();
  };

  /** From afar nodes are no elements of their own: what was clicked is found by its place. */
  const click = (event: MouseEvent) => {
    const element = svg.current;
    if (!element || (event.target as Element).closest("[data-at]")) return;
    const frame = element.getBoundingClientRect();
    const [x, y] = transform.current.invert([event.clientX - frame.left, event.clientY - frame.top]);
    const slack = 4 / transform.current.k;
    const hit = placed?.boxes.find(
      (box) => x >= box.x - slack && x <= box.x + box.width + slack && y >= box.y - slack && y <= box.y + box.height + slack,
    );
    onSelect(hit?.id);
    if (hit) show(hit.id);
  };

  const far = !printing && (sight?.far ?? true);
  const visible = useMemo(() => {
    if (!placed || !sight) return [];
    const inSight = (box: Placed) =>
      box.x < sight.right && box.x + box.width > sight.left && box.y < sight.bottom && box.y + box.height > sight.top;
    return printing ? placed.boxes : placed.boxes.filter(inSight);
  }, [placed, sight, printing]);

  const lines = useMemo(() => {
    const lines = { plain: "", lit: "" };
    for (const { from, to, points } of placed?.edges ?? []) {
      const [source, target] = [boxes.get(from), boxes.get(to)];
      if (!source || !target) continue;
      const through: [number, number][] = [
        [source.x + source.width, source.y + HEAD / 2],
        ...points.slice(1, -1),
        [target.x, target.y + HEAD / 2],
      ];
      const isLit = !trace && lit?.has(from) && lit.has(to);
      lines[isLit ? "lit" : "plain"] += curve(through, far || printing ? undefined : sight);
    }
    return lines;
  }, [placed, boxes, lit, trace, far, printing, sight]);

  const steps = useMemo(() => {
    const port = ([at, column]: Place, side: "left" | "right"): [number, number] | undefined => {
      const box = boxes.get(at);
      const row = rows?.get(at)?.indexOf(column) ?? -1;
      if (!box || row < 0) return undefined;
      return [side === "left" ? box.x : box.x + box.width, box.y + HEAD + row * ROW + ROW / 2];
    };
    return (trace?.steps ?? []).flatMap((step) => {
      const [from, to] = [port(step.from, "right"), port(step.to, "left")];
      return from && to ? [{ ...step, d: curve([from, to]) }] : [];
    });
  }, [trace, boxes, rows]);

  const scale = printing && placed ? { viewBox: `-8 -8 ${placed.width + 16} ${placed.height + 16}` } : {};
  return (
    <div class="graph">
      {/* The graph itself takes keys: to zoom, to fit, to let go. */}
      <svg ref={svg} tabindex={0} role="application" aria-label={label} onKeyDown={pan} onClick={click} {...scale}>
        <g ref={scene} class={lit ? "some-lit" : ""} {...(printing ? { transform: "" } : {})}>
          <path class={`edges ${far ? "thin" : ""}`} d={lines.plain} />
          {lines.lit && <path class={`edges lit ${far ? "thin" : ""}`} d={lines.lit} />}
          {steps.map((step) => (
            <path key={`${step.from}>${step.to}`} class={`step ${step.how}`} d={step.d}>
              <title>{step.how}</title>
            </path>
          ))}
          {far
            ? KINDS.map((kind) => (
                <Far key={kind} kind={kind} boxes={placed?.boxes ?? []} project={project} lit={lit} />
              ))
            : visible.map((box) => (
                <Drawn
                  key={box.id}
                  box={box}
                  node={project.node(box.id)}
                  rows={rows?.get(box.id)}
                  open={!!open?.has(box.id)}
                  lit={!lit || lit.has(box.id)}
                  selected={box.id === selected}
                  traced={traced}
                  onTrace={trace?.columns.get(box.id)}
                  onSelect={onSelect}
                  onColumn={onColumn}
                  onOpen={onOpen}
                  onKey={key}
                />
              ))}
        </g>
      </svg>
      {!placed && <p class="graph-note">Laying out {nodes.length} nodes…</p>}
      {placed && nodes.length === 0 && <p class="graph-note">Nothing to show.</p>}
      {trace && (
        <ul class="legend">
          {(["copied", "transformed", "aggregated"] as const).map((how) => (
            <li key={how}>
              <svg width="28" height="8" aria-hidden="true">
                <path class={`step ${how}`} d="M1,4h26" />
              </svg>
              {how === "copied" ? "copied, renamed" : how}
            </li>
          ))}
        </ul>
      )}
      <div class="graph-tools">
        <button type="button" title="Zoom in (+)" aria-label="Zoom in" onClick={() => svg.current && zoomer.current && select(svg.current).call(zoomer.current.scaleBy, 1.4)}>
          +
        </button>
        <button type="button" title="Zoom out (-)" aria-label="Zoom out" onClick={() => svg.current && zoomer.current && select(svg.current).call(zoomer.current.scaleBy, 1 / 1.4)}>
          −
        </button>
        <button type="button" title="Show all (f)" onClick={() => fit()}>
          Fit
        </button>
      </div>
    </div>
  );
}
