/**
 * What `why` says of a quantum, in the words of the command: what is read here may be sent to somebody who
 * has a terminal.
 *
 * @module
 */

import { formatBytes } from "../../../base/text/bytes_text.ts";
import { visibleCell } from "../../../base/text/visible_text.ts";
import { why } from "../../../inspect/why/why.ts";
import { type WhyColumn, type WhyLayout, whyText } from "../../../inspect/why/why_text.ts";
import type { DocumentSource } from "../../../sources/source.ts";
import { parseSelector } from "../../../sources/selector.ts";

/** Quanta and datasets that are looked at above and below: each may be a request. */
const MAX_NODES = 200;

const same = (text: string) => text;
const LAYOUT: Omit<WhyLayout, "source"> = {
  style: { columns: null, bold: same, dim: same, red: same, green: same, yellow: same },
  status: same,
  bytes: formatBytes,
  table: plainTable,
};

/** The answer about a quantum or dataset. */
export async function whyWords(source: DocumentSource, id: string): Promise<string> {
  const answer = await why(source, parseSelector([id])!, MAX_NODES);
  const { path } = await source.info(false);
  return whyText(answer, { ...LAYOUT, source: [path] });
}

/** Columns beside each other, as wide as their cells. */
function plainTable(
  columns: readonly WhyColumn[],
  rows: readonly (readonly string[])[],
): string {
  const cells = [columns.map(({ title }) => title), ...rows.map((row) => row.map(visibleCell))];
  const widths = columns.map((_, i) => Math.max(...cells.map((row) => [...row[i]].length)));
  return cells.map((row) =>
    row.map((cell, i) => {
      const blanks = " ".repeat(widths[i] - [...cell].length);
      return columns[i].align === "right" ? blanks + cell : cell + blanks;
    }).join("  ").trimEnd()
  ).join("\n");
}
