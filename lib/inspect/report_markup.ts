/**
 * HTML in which all text is escaped unless it is known to be markup: names and messages of a report come
 * from files that nobody vouches for.
 *
 * @module
 */

/** Markup that may be put into a page as it is. */
export class Markup {
  constructor(readonly text: string) {}
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

/** Marks of direction and invisible characters, besides controls. */
const HIDDEN = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/gu;

/**
 * Text without characters that hide or reorder what stands beside them: control characters become
 * their pictures, marks of direction their code points. Line ends and tabs stay.
 */
export function visibleText(text: string): string {
  return text.replace(HIDDEN, (c) => {
    const code = c.codePointAt(0)!;
    if (c === "\n" || c === "\t") return c;
    if (code < 0x20) return String.fromCharCode(0x2400 + code);
    return code === 0x7f ? "\u2421" : `\\u{${code.toString(16)}}`;
  });
}
