/**
 * Text of many lines, which can be searched.
 *
 * @module
 */

import { useMemo, useState } from "preact/hooks";
import { formatCount } from "../../../report/format.ts";
import { block } from "../parts.ts";
import { linkWith, type Route } from "../model/route.ts";
import { html, type VNode } from "../view.ts";

/** Lines that are shown at once. */
const N_SHOWN = 2000;

/** A line that may be shown. */
export interface TextLine {
  text: string;
  /** Class of its colour; empty for none. */
  mark: string;
}

/** Lines that have a text in them, and a box to type it into. */
export function Lines(
  { lines, name, route, children }: {
    lines: readonly TextLine[];
    name: string;
    route: Route;
    children?: VNode;
  },
): VNode {
  const search = route.query.search ?? "";
  const [limit, setLimit] = useState(N_SHOWN);
  const found = useMemo(() => {
    if (search === "") return lines;
    const wanted = search.toLowerCase();
    return lines.filter(({ text }) => text.toLowerCase().includes(wanted));
  }, [lines, search]);
  const shown = found.slice(0, limit);
  return html`
    <form class="filters" role="search" onSubmit=${(event: Event) => event.preventDefault()}>
      ${children}
      <label class="where">Search
        <input
          type="search"
          value=${search}
          onInput=${(event: Event) => {
            const text = (event.target as HTMLInputElement).value;
            history.replaceState(null, "", linkWith(route, { search: text || null }));
            dispatchEvent(new HashChangeEvent("hashchange"));
          }}
        />
      </label>
      <span class="soft" role="status">${found.length === lines.length
        ? `${formatCount(lines.length)} lines`
        : `${formatCount(found.length)} of ${formatCount(lines.length)} lines`}</span>
    </form>
    <div class="text" role="region" aria-label=${name} tabindex="0">
      ${shown.map(({ text, mark }) =>
        html`<div class="line ${mark}">${marked(text, search)}</div>`
      )}
      ${found.length === 0
        ? html`<p class="soft">Nothing${search === "" ? "" : " that fits"}.</p>`
        : null}
    </div>
    ${found.length > limit
      ? html`<p><button type="button" onClick=${() => setLimit(limit * 4)}>Show more of ${
        formatCount(found.length)
      } lines</button></p>`
      : null}
  `;
}

/** A text with what is searched for marked. */
function marked(text: string, search: string): (string | VNode)[] {
  if (search === "") return [block(text)];
  const parts: (string | VNode)[] = [];
  const [lower, wanted] = [text.toLowerCase(), search.toLowerCase()];
  let from = 0;
  for (let at = lower.indexOf(wanted); at >= 0; at = lower.indexOf(wanted, from)) {
    parts.push(
      block(text.slice(from, at)),
      html`<mark>${block(text.slice(at, at + wanted.length))}</mark>`,
    );
    from = at + wanted.length;
  }
  parts.push(block(text.slice(from)));
  return parts;
}

/** A whole text. */
export function LongText(
  { text, name, route }: { text: string; name: string; route: Route },
): VNode {
  const lines = useMemo(
    () => text.replace(/\n$/, "").split("\n").map((text) => ({ text, mark: "" })),
    [text],
  );
  return html`<${Lines} lines=${lines} name=${name} route=${route} />`;
}
