/**
 * Section of the report page that says how to run the failed quanta again.
 *
 * @module
 */

import { exceptionName, formatCount, statusWords } from "../format.ts";
import type { RunReport } from "../model.ts";
import { markup } from "./markup.ts";
import {
  numberCell,
  numberHeadings,
  scrolledTable,
  type Section,
  taskHeading,
  textHeadings,
} from "./parts.ts";

/** Null if nothing failed. */
export function rerunSection({ rerun, command }: RunReport): Section | null {
  const { commands, tables } = rerun;
  if (tables.length === 0) return null;
  const [write, build] = commands;
  const steps = commands.length === 0
    ? markup`<p>Tables of data IDs can be written once the run's graph is finished.</p>`
    : markup`<p>Write tables of the data IDs of failed quanta:</p><pre>${write}</pre>
<p>Build a graph of the quanta in one of them, and of what depends on these. What is complete already is left out; REPO and PIPELINE.yaml are those that the run's graph was made of${
      command === "" ? "" : markup`: <code>${command}</code>`
    }.</p><pre>${build}</pre>
<p>A table a command: several in one are joined, and only what is in all of them would be run.</p>`;
  return {
    id: "rerun",
    title: "Run them again",
    body: markup`${steps}${
      scrolledTable({
        id: "rerun",
        label: "Tables of data IDs",
        text: `${formatCount(tables.length)} tables, below the directory that the command names.`,
        head: markup`${textHeadings(["Task", "Table", "Status", "Exception"])}${
          numberHeadings(["Quanta"])
        }`,
        body: tables.map(({ task, status, exception, n, table }) =>
          markup`<tr>${
            taskHeading(task)
          }<td class="text"><code>${table}</code></td><td class="word">${
            statusWords(status)
          }</td><td class="text"><code>${exceptionName(exception)}</code></td>${
            numberCell(n, true)
          }</tr>
`
        ),
      })
    }`,
  };
}
