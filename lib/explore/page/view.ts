/**
 * What views are written with.
 *
 * @module
 */

import htm from "htm";
import { h, type VNode } from "preact";

/** What the package exports: its declarations say that for another way of importing it. */
interface Template {
  bind(make: typeof h): (strings: TemplateStringsArray, ...values: unknown[]) => VNode;
}

/** Markup as a template; whatever is put in is text, never markup. */
export const html = (htm as unknown as Template).bind(h);

export type { VNode };
