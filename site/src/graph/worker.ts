/** Layered layout from left to right: each node stands after what it reads. */

import {
  coordCenter,
  coordSimplex,
  decrossDfs,
  decrossTwoLayer,
  graph,
  layeringLongestPath,
  layeringSimplex,
  sugiyama,
} from "d3-dag";
import type { Asked, Box, Layout } from "./layout";

/** Between boxes of a layer, and between layers. */
const GAP: [number, number] = [14, 72];

/** Up to so many boxes and edges the best layout is worth its time. */
const SMALL = 350;

onmessage = ({ data }: MessageEvent<{ number: number; asked: Asked }>) => {
  postMessage({ number: data.number, layout: placed(data.asked) });
};

function placed({ boxes, edges }: Asked): Layout {
  // d3-dag lays out from top to bottom: what it calls x is our y.
  const dag = graph<Box, undefined>();
  const nodes = new Map(boxes.map((box) => [box.id, dag.node(box)]));
  for (const [from, to] of edges) {
    const [above, below] = [nodes.get(from), nodes.get(to)];
    if (above && below) dag.link(above, below, undefined);
  }
  const size = ({ data }: { data: Box }): [number, number] => [data.height, data.width];
  const base = sugiyama().nodeSize(size).gap(GAP);
  const small = boxes.length + edges.length <= SMALL;
  const run = small
    ? base.layering(layeringSimplex()).decross(decrossTwoLayer()).coord(coordSimplex())
    : base.layering(layeringLongestPath()).decross(decrossDfs()).coord(coordCenter());
  const { width, height } = boxes.length > 0 ? run(dag) : { width: 0, height: 0 };
  // The boxes of a layer begin at one line.
  const widest = new Map<number, number>();
  for (const { data, y } of dag.nodes()) widest.set(y, Math.max(data.width, widest.get(y) ?? 0));
  const left = (y: number) => y - (widest.get(y) ?? 0) / 2;
  return {
    boxes: [...dag.nodes()].map(({ data, x, y }) => ({ ...data, x: left(y), y: x - data.height / 2 })),
    edges: [...dag.links()].map(({ source, target, points }) => ({
      from: source.data.id,
      to: target.data.id,
      points: points.map(([x, y]): [number, number] => [y, x]),
    })),
    width: height,
    height: width,
  };
}
