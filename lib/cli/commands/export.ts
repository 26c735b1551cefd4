/** `export SOURCE... DIR|FILE`. @module */

import { join } from "node:path";
import { Command, Option } from "commander";
import { RefusedError, UsageError } from "../../base/errors.ts";
import { EXPORT_FORMATS, type ExportFormat } from "../../export/export.ts";
import { EXPORT_TABLES, type ExportTable } from "../../export/export_tables.ts";
import {
  type BusyOptions,
  busyTimeoutOption,
  filePath,
  forceOption,
  gather,
  lockWait,
} from "../args.ts";
import type { CliContext, CommandContext } from "../context.ts";
import { EXPORT_EPILOGUE } from "../manual/help.ts";
import { tableFileFormat } from "../outputs/outputs.ts";

/** Options as commander gives them. */
interface Options extends BusyOptions {
  run: string[];
  table: string[];
  format?: ExportFormat;
  force: boolean;
}

/** A table and the file that it goes to. */
interface Target {
  table: ExportTable;
  format: ExportFormat;
  path: string;
}

/** Defines the command. */
export function exportCommand(
  cli: CliContext,
  start: (name: string, aliases?: string[]) => CommandContext,
): Command {
  return new Command("export")
    .summary("write tables that DuckDB, pandas and astropy read")
    .description(
      "Write quanta, attempts, datasets, edges and resource usage of one or more SOURCEs as tables, " +
        "with a column for the RUN: into a directory, a file each, or one of them into a file.",
    )
    .argument("<sources...>", "graphs, chunk logs or repositories; the last argument is the output")
    .addOption(
      new Option("--run <run>", "RUN collections of repositories").argParser(gather)
        .default([], "the only one"),
    )
    .addOption(
      new Option("--table <table>", `tables: ${EXPORT_TABLES.join(", ")}`).argParser(gather)
        .default([], "all into a directory, quanta into a file"),
    )
    .addOption(
      new Option(
        "--format <format>",
        "format, if the name of the output doesn't tell (default: parquet)",
      )
        .choices(EXPORT_FORMATS),
    )
    .addOption(forceOption())
    .addOption(busyTimeoutOption())
    .addHelpText("after", EXPORT_EPILOGUE)
    .action(async (words: string[], options: Options) => {
      const context = start("export");
      const output = words.at(-1)!;
      const names = words.slice(0, -1);
      if (names.length === 0) {
        throw new UsageError(`Cannot export: "${output}" is the only argument`, {
          hint: "give sources, then the file or directory that tables go to",
        });
      }
      const { targets, directory } = targetsOf(output, options, cli);
      const { exportTable } = await import("../../export/export.ts");
      const { openSource } = await import("../../sources/open_source.ts");
      await using stack = new AsyncDisposableStack();
      const sources = [];
      for (const name of names) {
        for (const run of options.run.length === 0 ? [null] : options.run) {
          const wait = lockWait(options, context);
          sources.push(stack.use(await openSource(name, run, cli.env, cli.cwd, wait)));
        }
      }
      if (directory !== null) Deno.mkdirSync(directory, { recursive: true });
      for (const { table, format, path } of targets) {
        const nRows = await exportTable(table, sources, format, path);
        context.log.log("INFO", `Wrote ${path} (${nRows} rows).`);
      }
    });
}

/** Which tables go where. */
function targetsOf(
  output: string,
  { table, format, force }: Options,
  { env, cwd }: CliContext,
): { targets: Target[]; directory: string | null } {
  const unknown = table.find((name) => !(EXPORT_TABLES as readonly string[]).includes(name));
  if (unknown !== undefined) {
    throw new UsageError(`Cannot export table "${unknown}": there is none`, {
      hint: `tables are ${EXPORT_TABLES.join(", ")}`,
    });
  }
  const tables = table as ExportTable[];
  const named = tableFileFormat(output);
  if (named !== null) {
    if (format !== undefined && format !== named) {
      throw new UsageError(`Cannot write "${output}" as ${format}: its name says ${named}`);
    }
    if (tables.length > 1) {
      throw new UsageError(`Cannot write ${tables.length} tables into "${output}"`, {
        hint: "name a directory",
      });
    }
    const path = filePath(output, env, cwd, "table");
    return { targets: [{ table: tables[0] ?? "quanta", format: named, path }], directory: null };
  }
  const directory = filePath(output, env, cwd, "directory of tables");
  const targets = (tables.length === 0 ? EXPORT_TABLES : tables).map((name): Target => ({
    table: name,
    format: format ?? "parquet",
    path: join(directory, `${name}.${format ?? "parquet"}`),
  }));
  for (const { path } of targets) {
    if (!force && hasContent(path)) {
      throw new RefusedError(`Cannot write "${path}": it exists`, {
        hint: "give another directory, or --force to replace it",
      });
    }
  }
  return { targets, directory };
}

function hasContent(path: string): boolean {
  try {
    return Deno.lstatSync(path).size > 0;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
