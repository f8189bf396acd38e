/** Where boxes stand: asked of a worker, so that the page stays quick meanwhile. */

export interface Box {
  id: number;
  width: number;
  height: number;
}

export interface Asked {
  boxes: Box[];
  edges: [from: number, to: number][];
}

export interface Placed extends Box {
  /** The upper left corner. */
  x: number;
  y: number;
}

export interface Layout {
  boxes: Placed[];
  /** The points that an edge leads through. */
  edges: { from: number; to: number; points: [number, number][] }[];
  width: number;
  height: number;
}

/** The worker's program, which the page carries as text. */
declare const LAYOUT_WORKER: string;

let worker: Worker | undefined;
let last = 0;
const waiting = new Map<number, (layout: Layout) => void>();
const known = new Map<string, Layout>();

/** The layout of boxes and edges; one that was asked for before comes at once. */
export function layout(asked: Asked): Layout | Promise<Layout> {
  const key = JSON.stringify(asked);
  const before = known.get(key);
  if (before) return before;
  if (!worker) {
    worker = new Worker(URL.createObjectURL(new Blob([LAYOUT_WORKER], { type: "text/javascript" })));
    worker.onmessage = ({ data }: MessageEvent<{ number: number; layout: Layout }>) => {
      waiting.get(data.number)?.(data.layout);
      waiting.delete(data.number);
    };
  }
  last += 1;
  const number = last;
  worker.postMessage({ number, asked });
  return new Promise((resolve) => {
    waiting.set(number, (layout) => {
      known.set(key, layout);
      resolve(layout);
    });
  });
}
