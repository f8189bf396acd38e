/** Where the reader is, as the part of the address after `#`: it can be shared, and works from a disk. */

import { useEffect, useState } from "preact/hooks";

export interface Route {
  /** `["node", "model.shop.orders"]` */
  path: string[];
  query: URLSearchParams;
}

export function parse(hash: string): Route {
  const [path = "", query = ""] = hash.replace(/^#!?\/?/, "").split(/\?(.*)/s);
  const parts = path.split("/").filter((part) => part !== "");
  return { path: parts.map(decoded), query: new URLSearchParams(query) };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The address of a place; what is empty of the query is left out. */
export function link(path: string[], query: Record<string, string | undefined> = {}): string {
  const known = Object.entries(query).filter((entry): entry is [string, string] => !!entry[1]);
  const search = known.length > 0 ? `?${new URLSearchParams(known)}` : "";
  return `#/${path.map((part) => encodeURIComponent(part)).join("/")}${search}`;
}

export const toNode = (id: string): string => link(["node", id]);
export const toMacro = (name: string): string => link(["macro", name]);
/** The lineage page with a column traced through the project. */
export const toColumn = (id: string, column: string): string => link(["lineage"], { node: id, column });

/** Changes the address without a step in the browser's history. */
export function replace(address: string): void {
  history.replaceState(null, "", address);
  dispatchEvent(new HashChangeEvent("hashchange"));
}

export function useRoute(): Route {
  const [hash, setHash] = useState(location.hash);
  useEffect(() => {
    const changed = () => setHash(location.hash);
    addEventListener("hashchange", changed);
    return () => removeEventListener("hashchange", changed);
  }, []);
  return parse(hash);
}
