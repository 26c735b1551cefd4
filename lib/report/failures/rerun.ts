/**
 * How to run just the failed quanta again: tables of their data IDs, and the commands that make and use
 * them.
 *
 * @module
 */

import { shellLine } from "../../base/text/shell.ts";
import { attemptStatusName } from "../../provenance/quantum_status.ts";
import type { SourceKind } from "../../sources/info.ts";
import { dataIdTablePath } from "./data_id_table_path.ts";
import type { RerunReport, RunReport } from "../model.ts";

/** Directory that the commands name. */
const DIRECTORY = "rerun";
/** Tables that are told; a table more for each task takes the rest. */
const MAX_TABLES = 1000;

/** Counts failed quanta by the table that their data IDs are in. */
export class RerunTables {
  readonly #tables = new Map<string, RerunReport>();

  /** Counts quanta by their last attempt. */
  add(task: string, status: number, exception: string | null, n = 1): void {
    const key = `${task}\0${status}\0${exception ?? "\0"}`;
    let table = this.#tables.get(key);
    if (table === undefined) {
      if (this.#tables.size >= MAX_TABLES) return;
      table = {
        task,
        status: attemptStatusName(status),
        exception,
        n: 0,
        table: dataIdTablePath(task, status, exception).join("/"),
      };
      this.#tables.set(key, table);
    }
    table.n += n;
  }

  /** In the order of tasks; of each, the table with most quanta first. */
  tables(labels: readonly string[]): RerunReport[] {
    const place = new Map(labels.map((label, i) => [label, i]));
    return [...this.#tables.values()].sort((a, b) =>
      place.get(a.task)! - place.get(b.task)! || b.n - a.n ||
      (a.table < b.table ? -1 : 1)
    );
  }
}

/** What the commands need of a run. */
type RerunOf = Pick<RunReport, "argument" | "output_run" | "output" | "inputs">;

/**
 * Commands for a POSIX shell: the first writes the tables, the second makes a graph of the quanta in one of
 * them and of what depends on these. Words in capitals are for the reader to fill in: a graph doesn't tell
 * which repository and pipeline it was made of. A chunk log has no tables before it is finished.
 *
 * Source: options of `pipetask qgraph` in `lsst.ctrl.mpexec`.
 */
export function rerunCommands(
  run: RerunOf,
  kind: SourceKind,
  tables: readonly RerunReport[],
): string[] {
  if (tables.length === 0 || kind === "chunk log" || kind === "predicted graph") return [];
  const words = kind === "provenance graph" ? [run.argument] : [run.argument, run.output_run];
  // Unless it is told, quanta of which nothing is known are in no table.
  const states = tables.some(({ status }) => status === "UNKNOWN") ? ["--state", "UNKNOWN"] : [];
  const collections = run.output !== null
    ? ["-o", run.output]
    : ["-i", [run.output_run, ...run.inputs].join(","), "--output-run", `${run.output_run}-rerun`];
  const [{ table }] = tables;
  return [
    shellLine([
      "provgraph",
      "provenance-report",
      ...words,
      "--data-id-table-dir",
      DIRECTORY,
      ...states,
    ]),
    shellLine([
      ...["pipetask", "qgraph", "-b", "REPO", "-p", "PIPELINE.yaml", ...collections],
      ...["--skip-existing-in", run.output_run, "--data-id-table", `${DIRECTORY}/${table}`],
      ...["--save-qgraph", `${DIRECTORY}.qg`],
    ]),
  ];
}
