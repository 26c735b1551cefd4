/**
 * HTML in which all text is escaped unless it is known to be markup: names and messages of a report come
 * from files that nobody vouches for.
 *
 * @module
 */

import { visibleText } from "../../base/text/visible_text.ts";

/** Markup that may be put into a page as it is. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** What a template takes: texts and numbers are escaped, markup is not. */
export type MarkupValue = string | number | Markup | readonly MarkupValue[];

/** Template tag. (Not called html: formatters would lay such templates out anew.) */
export function markup(parts: TemplateStringsArray, ...values: MarkupValue[]): Markup {
  let text = parts[0];
  values.forEach((value, i) => text += markupOf(value) + parts[i + 1]);
  return new Markup(text);
}

function markupOf(value: MarkupValue): string {
  if (value instanceof Markup) return value.text;
  if (typeof value === "object") return value.map(markupOf).join("");
  return escapeHtml(String(value));
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Text for HTML, in elements and in quoted attributes. What can't be seen is made visible. */
export function escapeHtml(text: string): string {
  return visibleText(text).replace(/[&<>"']/g, (c) => ENTITIES[c]);
}
