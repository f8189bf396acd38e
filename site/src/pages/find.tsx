/** The search box: what is found appears below it while one types. */

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Project } from "../project";
import { toMacro, toNode } from "../route";
import { type Found, Search } from "../search";
import { kindOf, title } from "../ui/bits";

export function Find({ project }: { project: Project }) {
  const search = useMemo(() => new Search(project), [project]);
  const [text, setText] = useState("");
  const [code, setCode] = useState<Found[]>([]);
  const [open, setOpen] = useState(false);
  const [at, setAt] = useState(0);
  const input = useRef<HTMLInputElement>(null);
  const quick = useMemo(() => search.quick(text), [search, text]);
  const found = [...quick, ...code];

  useEffect(() => {
    let current = true;
    setCode([]);
    setAt(0);
    // SQL is the most to look through: once the typing stops.
    const later = setTimeout(() => void search.code(text).then((found) => current && setCode(found)), 120);
    return () => {
      current = false;
      clearTimeout(later);
    };
  }, [search, text]);

  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      const typing = event.target instanceof Element && event.target.closest("input, textarea");
      if ((event.key === "/" && !typing) || (event.key === "k" && (event.metaKey || event.ctrlKey))) {
        event.preventDefault();
        input.current?.focus();
        input.current?.select();
      }
    };
    addEventListener("keydown", pressed);
    return () => removeEventListener("keydown", pressed);
  }, []);

  const go = (to: Found | undefined) => {
    if (!to) return;
    location.hash = to.node ? toNode(to.node.id) : toMacro(to.macro ?? "");
    setOpen(false);
    setText("");
    input.current?.blur();
    // Its page has to be there first.
    if (to.column) setTimeout(() => document.getElementById(`column-${to.column}`)?.scrollIntoView({ block: "center" }), 120);
  };
  const key = (event: KeyboardEvent) => {
    if (event.key === "ArrowDown") setAt(Math.min(at + 1, found.length - 1));
    else if (event.key === "ArrowUp") setAt(Math.max(at - 1, 0));
    else if (event.key === "Enter") go(found[at]);
    else if (event.key === "Escape") {
      setOpen(false);
      input.current?.blur();
    } else return;
    event.preventDefault();
  };
  const showing = open && text.trim() !== "";
  return (
    <div class="find" role="search">
      <input
        ref={input}
        id="search"
        list={undefined}
        type="search"
        value={text}
        placeholder="Search names, columns, descriptions, SQL  ( / )"
        aria-label="Search"
        role="combobox"
        aria-expanded={showing}
        aria-controls="found"
        aria-activedescendant={showing && found[at] ? `found-${at}` : undefined}
        autocomplete="off"
        spellcheck={false}
        onInput={(event) => {
          setText(event.currentTarget.value);
          setOpen(true);
        }}
        onFocus={() => setOpen(true)}
        onBlur={() => setOpen(false)}
        onKeyDown={key}
      />
      {showing && (
        <ul id="found" role="listbox">
          {found.map((one, number) => (
            <Line key={number} one={one} number={number} first={one.where !== found[number - 1]?.where} active={number === at} go={() => go(one)} />
          ))}
          {found.length === 0 && <li class="nothing">Nothing found.</li>}
        </ul>
      )}
    </div>
  );
}

function Line({ one, number, first, active, go }: { one: Found; number: number; first: boolean; active: boolean; go: () => void }) {
  const line = useRef<HTMLLIElement>(null);
  useEffect(() => {
    if (active) line.current?.scrollIntoView({ block: "nearest" });
  }, [active]);
  const name = one.node ? title(one.node) : one.macro;
  const parts = [];
  let end = 0;
  for (let at = 0; at + 1 < one.ranges.length; at += 2) {
    const [from, to] = [one.ranges[at] ?? 0, one.ranges[at + 1] ?? 0];
    parts.push(one.text.slice(end, from), <mark key={at}>{one.text.slice(from, to)}</mark>);
    end = to;
  }
  parts.push(one.text.slice(end));
  const own = one.where === "name" || one.where === "column";
  return (
    <>
      {first && <li class="where" role="presentation">{one.where}</li>}
      <li ref={line} id={`found-${number}`} role="option" aria-selected={active} onMouseDown={(event) => {
        event.preventDefault();
        go();
      }}>
        <i class={`dot ${one.node?.kind ?? "macro"}`} />
        <span class="what">
          {own ? <b>{parts}</b> : <b>{one.column ? `${name}.${one.column}` : name}</b>}
          {!own && <span class="quiet"> {parts}</span>}
        </span>
        <small>{one.node ? kindOf(one.node) : "macro"}</small>
      </li>
    </>
  );
}
