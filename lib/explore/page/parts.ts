/**
 * Small parts that several views are made of.
 *
 * @module
 */

import { ProvgraphError } from "../../base/errors.ts";
import { visibleCell, visibleText } from "../../base/text/visible_text.ts";
import { formatCount, SHOWN_STATUSES, statusWords } from "../../report/format.ts";
import { html, type VNode } from "./view.ts";

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

/** What an error says. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Something that is being read. */
export function Waiting({ what }: { what: string }): VNode {
  return html`<p class="soft" role="status">Reading ${what} …</p>`;
}
