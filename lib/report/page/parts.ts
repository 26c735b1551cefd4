/**
 * Parts that sections of the report page share.
 *
 * @module
 */

import { formatCount } from "../format.ts";
import { Markup, markup, type MarkupValue } from "./markup.ts";

/** A section of the page. */
export interface Section {
  /** Of its heading, for links. */
  id: string;
  title: string;
  body: Markup;
}

/** Parts of a table. */
interface TableParts {
  id: string;
  /** Short name, for those who hear it. */
  label: string;
  /** What it shows; above the table, so that it stays in sight where the table is scrolled. */
  text: MarkupValue;
  head: Markup;
  body: readonly MarkupValue[];
  foot?: Markup;
}

/**
 * A table that can be scrolled by keyboard where it is wider than the page, and sorted by its headings
 * where scripts run.
 */
export function scrolledTable({ id, label, text, head, body, foot }: TableParts): Markup {
  return markup`<p class="soft" id="${id}-text">${text}</p>
<div class="scroll" role="region" aria-label="${label}" tabindex="0">
<table id="${id}-table" aria-label="${label}" aria-describedby="${id}-text">
<thead><tr>${head}</tr></thead>
<tbody>
${body}</tbody>${foot === undefined ? "" : markup`<tfoot><tr>${foot}</tr></tfoot>`}
</table></div>`;
}

/** A count; one that is bad stands out unless it is zero. */
export function numberCell(n: number, isBad = false): Markup {
  const mark = n === 0 ? " zero" : isBad ? " bad" : "";
  return markup`<td class="number${mark}">${formatCount(n)}</td>`;
}

/** An amount with its unit; tables are sorted by the amount. */
export function amountCell(value: number | null, format: (value: number) => string): Markup {
  return value === null
    ? markup`<td class="number">–</td>`
    : markup`<td class="number" data-v="${value}">${format(value)}</td>`;
}

/** Headings of columns of numbers. */
export function numberHeadings(names: readonly string[]): Markup[] {
  return names.map((name) => markup`<th scope="col" class="number">${name}</th>`);
}

/** Headings of columns of text. */
export function textHeadings(names: readonly string[]): Markup[] {
  return names.map((name) => markup`<th scope="col">${name}</th>`);
}

/** Heading of a column that is a figure: there is no order in it. */
export function figureHeading(className: "figure" | "wide", heard: string, axis: Markup): Markup {
  return markup`<th scope="col" class="${className}"><span class="heard">${heard}</span>${axis}</th>`;
}

/** Heading of a task's row; the label may be broken where its words begin. */
export function taskHeading(label: string): Markup {
  const words = label.split(/(?<=[a-z0-9])(?=[A-Z])|(?<=[_:.-])/);
  return markup`<th scope="row">${
    words.map((word, i) => markup`${i === 0 ? "" : new Markup("<wbr>")}${word}`)
  }</th>`;
}
