/** Starts the page with the data that it carries, or that lies in parts beside it. */

import { render } from "preact";
import { App } from "./app";
import type { Site } from "./data";
import { unpack } from "./unpack";
import { Project } from "./project";

/** The text of an element of the page that carries data. */
function carried(id: string): string | undefined {
  return document.getElementById(id)?.textContent ?? undefined;
}

const arriving = new Map<number, (text: string) => void>();

/** The part of a number: carried by the page or, if it is split, a script beside it, which works from a disk too. */
function part(number: number): Promise<string> {
  const here = carried(`part-${number}`);
  if (here !== undefined) return Promise.resolve(here);
  return new Promise((resolve, reject) => {
    arriving.set(number, resolve);
    const script = document.createElement("script");
    script.src = `parts/${number}.js`;
    script.onerror = () => reject(new Error(`parts/${number}.js is not beside the page`));
    document.head.append(script);
  });
}

Object.assign(globalThis, {
  headwater: { part: (number: number, text: string) => arriving.get(number)?.(text) },
});

async function start(): Promise<void> {
  const app = document.getElementById("app");
  if (!app) return;
  try {
    const project = new Project(await unpack<Site>(carried("site") ?? ""), part);
    app.replaceChildren();
    render(<App project={project} />, app);
  } catch (error) {
    app.textContent = `This page's data can't be read: ${String(error)}. Make it again with \`headwater docs generate\`.`;
    throw error;
  }
}

void start();
