/**
 * Small parts that several views are made of.
 *
 * @module
 */

import { useEffect, useReducer } from "preact/hooks";
import { ProvgraphError } from "../../base/errors.ts";
import { visibleCell, visibleText } from "../../base/text/visible_text.ts";
import { formatCount, formatShare, SHOWN_STATUSES, statusWords } from "../../report/format.ts";
import type { Run } from "./model/run.ts";
import { html, type VNode } from "./view.ts";

/** Draws again whenever more is known of a run. */
export function useRun(run: Run): void {
  const [, draw] = useReducer((n: number) => n + 1, 0);
  useEffect(() => {
    run.start();
    return run.listen(() => draw(undefined as never));
  }, [run]);
}

/** Text of a file on one line. */
export function line(text: string): string {
  return visibleCell(text);
}

/** Text of a file that may have several lines. */
export function block(text: string): string {
  return visibleText(text);
}

/** Class of a status: its colour. */
export function statusClass(status: string): string {
  return `s-${status.toLowerCase().replaceAll("_", "-")}`;
}

/** A status by colour, shape and word. */
export function Status({ name }: { name: string }): VNode {
  return html`
    <span class="status ${statusClass(name)}"><i aria-hidden="true"></i>${statusWords(name)}</span>
  `;
}

/** Shares of statuses as a bar; what hasn't come yet is empty. */
export function StatusBar(
  { counts, total }: { counts: ReadonlyMap<string, number>; total: number },
): VNode {
  const names = [...SHOWN_STATUSES, ...counts.keys()]
    .filter((name, i, all) => all.indexOf(name) === i && (counts.get(name) ?? 0) > 0);
  const text = names.map((name) => `${statusWords(name)} ${formatCount(counts.get(name)!)}`)
    .join(", ");
  return html`
    <span class="bar" role="img" aria-label=${text || "nothing yet"} title=${text}>
      ${names.map((name) =>
        html`
          <i
            class=${statusClass(name)}
            style=${{ width: `max(2px, ${100 * counts.get(name)! / Math.max(1, total)}%)` }}
          ></i>
        `
      )}
    </span>
  `;
}

/** How far the quanta have been read, and how to read on. */
export function Progress({ run }: { run: Run }): VNode | null {
  const { state, nExpected, table: { n } } = run;
  const share = formatShare(n, Math.max(n, nExpected));
  const counted = `${formatCount(n)} of ${formatCount(nExpected)} quanta`;
  if (state === "complete") return null;
  if (state === "failed") return html`<${Problem} error=${run.error} />`;
  if (state === "paused") {
    const left = run.bytesLeft();
    return html`
      <div class="notice" role="status">
        <span>Read ${counted} (${share}); figures and lists are about these.</span>
        <button type="button" onClick=${() => run.resume()}>
          Read all${left === null ? "" : ` (${left} more)`}
        </button>
      </div>
    `;
  }
  if (state === "ended") {
    return html`
      <div class="notice" role="status">
        The chunk log is gone: its run was finished or given up. This is what it held last, ${counted}.
        Open the graph that was made of it.
      </div>
    `;
  }
  if (state === "following") {
    return html`
      <div class="notice live" role="status">
        <span><i class="pulse" aria-hidden="true"></i>Following: ${counted} scanned (${share}).</span>
        ${run.error === null ? null : html`<span class="bad">${line(messageOf(run.error))}</span>`}
      </div>
    `;
  }
  return html`
    <div class="notice" role="status">
      <progress max=${Math.max(1, nExpected)} value=${n}></progress>
      <span>Reading: ${counted}</span>
    </div>
  `;
}

/** An error, with what to do. */
export function Problem({ error }: { error: unknown }): VNode {
  const hint = error instanceof ProvgraphError ? error.hint : undefined;
  return html`
    <div class="problem" role="alert">
      <p>${block(messageOf(error))}</p>
      ${hint === undefined ? null : html`<p class="hint"><b>What to do:</b> ${block(hint)}.</p>`}
    </div>
  `;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Something that is being read. */
export function Waiting({ what }: { what: string }): VNode {
  return html`<p class="soft" role="status">Reading ${what} …</p>`;
}
