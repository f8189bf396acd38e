/** Text that others wrote: Markdown and SQL. */

import DOMPurify from "dompurify";
import hljs from "highlight.js/lib/core";
import type { HLJSApi, Language } from "highlight.js";
import sql from "highlight.js/lib/languages/sql";
import { marked } from "marked";
import { useMemo, useState } from "preact/hooks";

DOMPurify.addHook("afterSanitizeAttributes", (element) => {
  if (element.tagName === "A" && !element.getAttribute("href")?.startsWith("#")) {
    element.setAttribute("target", "_blank");
    element.setAttribute("rel", "noopener noreferrer");
  }
});

function rendered(text: string, inline: boolean): string {
  const html = inline ? marked.parseInline(text, { async: false }) : marked.parse(text, { async: false });
  return DOMPurify.sanitize(html);
}

/** A description. It may hold HTML, but nothing that runs. */
export function Markdown({ text }: { text: string }) {
  const html = useMemo(() => rendered(text, false), [text]);
  return <div class="markdown" dangerouslySetInnerHTML={{ __html: html }} />;
}

/** A description in a cell or a line. */
export function Inline({ text }: { text: string }) {
  const html = useMemo(() => rendered(text, true), [text]);
  return <span class="markdown" dangerouslySetInnerHTML={{ __html: html }} />;
}

/** The first paragraph of a description. */
export function Summary({ text }: { text: string | undefined }) {
  return <Inline text={text?.split(/\n\s*\n/)[0] ?? ""} />;
}

/** SQL with template tags: what is in them is no SQL. */
function template(api: HLJSApi): Language {
  const base = sql(api);
  const tag = (begin: RegExp, end: RegExp) => ({
    scope: "template-tag",
    begin,
    end,
    contains: [{ scope: "string", begin: /'/, end: /'/ }, { scope: "string", begin: /"/, end: /"/ }],
  });
  const tags = [{ scope: "comment", begin: /\{#/, end: /#\}/ }, tag(/\{\{/, /\}\}/), tag(/\{%/, /%\}/)];
  return { ...base, contains: [...tags, ...(base.contains ?? [])] };
}

hljs.registerLanguage("sql", sql);
hljs.registerLanguage("template", template);

/** Code with its words in colour. */
export function Code({ text, language }: { text: string; language: "sql" | "template" }) {
  const html = useMemo(() => hljs.highlight(text, { language, ignoreIllegals: true }).value, [text, language]);
  return (
    <div class="code">
      <Copy text={text} />
      <pre tabindex={0}>
        <code dangerouslySetInnerHTML={{ __html: html }} />
      </pre>
    </div>
  );
}

/** A button that copies text; says so for a moment. */
export function Copy({ text }: { text: string }) {
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    // A page from a disk may not be let at the clipboard: then the button says nothing.
    await navigator.clipboard?.writeText(text).then(
      () => {
        setCopied(true);
        setTimeout(() => setCopied(false), 1500);
      },
      () => undefined,
    );
  };
  return (
    <button type="button" class="copy" onClick={copy} title="Copy">
      {copied ? "Copied" : "Copy"}
    </button>
  );
}
