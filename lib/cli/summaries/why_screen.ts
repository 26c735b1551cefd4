/** The answer of `why` on a terminal. @module */

import type { WhyAnswer } from "../../inspect/why/answer.ts";
import { whyText } from "../../inspect/why/why_text.ts";
import type { Style } from "../terminal/color.ts";
import { statusText } from "../terminal/status_text.ts";
import { formatTable } from "../terminal/table.ts";
import { formatBytes } from "../../base/text/bytes_text.ts";

/** @param source Words that name the source on a command line: with `--run`, if that was given. */
export function whyScreen(answer: WhyAnswer, style: Style, source: readonly string[]): string {
  return whyText(answer, {
    style,
    source,
    status: (name) => statusText(name, style),
    bytes: formatBytes,
    table: (columns, rows) => formatTable(columns, rows, { style }),
  });
}
