/** `export SOURCE... DIR|FILE`, and `export SOURCE ID... FILE.json`. @module */

import { join } from "node:path";
import { Command, Option } from "commander";
import { RefusedError, UsageError } from "../../base/errors.ts";
import {
  EXPORT_FORMATS,
  EXPORT_TABLES,
  type ExportFormat,
  type ExportTable,
} from "../../export/export_names.ts";
import {
  type BusyOptions,
  busyTimeoutOption,
  filePath,
  forceOption,
  integerAtLeast,
  lockWait,
} from "../args.ts";
import type { CliContext, CommandContext } from "../context.ts";
import { openArgument } from "../open_argument.ts";
import { EXPORT_EPILOGUE } from "../manual/help.ts";
import { tableFileFormat } from "../outputs/outputs.ts";
import { gather } from "../values.ts";

/** Format of a document of provenance. */
const PROV_JSON = "prov-json";
/** Quanta and datasets that such a document has. */
const DEFAULT_LIMIT = 1000;

/** Options as commander gives them. */
interface Options extends BusyOptions {
  run: string[];
  table: string[];
  format?: ExportFormat | typeof PROV_JSON;
  depth?: number;
  limit?: number;
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
    .description(
      "Write quanta, attempts, datasets, edges and resource usage of one or more SOURCEs as tables, " +
        "with a column for the RUN: into a directory, a file each, or one of them into a file.\n\n" +
        "Or write what a quantum or dataset of one SOURCE was made from as W3C PROV-JSON: " +
        "export SOURCE ID... FILE.json.",
    )
    .argument(
      "<sources...>",
      "graphs, chunk logs or repositories (for PROV-JSON one, and an ID); the last argument is the output",
    )
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
        .choices([...EXPORT_FORMATS, PROV_JSON]),
    )
    .option(
      "--depth <n>",
      "PROV-JSON: steps to go, each from dataset to quantum or back",
      integerAtLeast(0),
    )
    .option(
      "--limit <n>",
      `PROV-JSON: quanta and datasets at most, the nearest first (default: ${DEFAULT_LIMIT})`,
      integerAtLeast(1),
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
      const isProv = [options.format, tableFileFormat(output)].includes(PROV_JSON);
      if (isProv) await exportProv(names, output, options, cli, context);
      else await exportTables(names, output, options, cli, context);
    });
}

async function exportTables(
  names: readonly string[],
  output: string,
  options: Options,
  cli: CliContext,
  context: CommandContext,
): Promise<void> {
  if (options.depth !== undefined || options.limit !== undefined) {
    const option = options.depth === undefined ? "--limit" : "--depth";
    throw new UsageError(`Cannot export tables with ${option}: it is for PROV-JSON`);
  }
  const { targets, directory } = targetsOf(output, options, cli);
  const { exportTable } = await import(
    import.meta.resolve("../../export/export.ts")
  ) as typeof import("../../export/export.ts");
  const { openSource } = await import(
    import.meta.resolve("../../sources/open_source.ts")
  ) as typeof import("../../sources/open_source.ts");
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
}

async function exportProv(
  [name, ...idWords]: readonly string[],
  output: string,
  options: Options,
  cli: CliContext,
  context: CommandContext,
): Promise<void> {
  const { format, table, run, depth, limit = DEFAULT_LIMIT } = options;
  const named = tableFileFormat(output);
  if (named !== PROV_JSON || (format ?? PROV_JSON) !== PROV_JSON) {
    throw new UsageError(
      named === PROV_JSON
        ? `Cannot write "${output}" as ${format}: its name says ${PROV_JSON}`
        : `Cannot write "${output}" as ${PROV_JSON}: its name doesn't end with .json`,
    );
  }
  if (table.length > 0) {
    throw new UsageError(`Cannot write tables as ${PROV_JSON}: leave --table out`);
  }
  if (run.length > 1) {
    throw new UsageError(`Cannot write ${run.length} RUNs as one ${PROV_JSON} file`);
  }
  const { parseSelector } = await import(
    import.meta.resolve("../../sources/selector.ts")
  ) as typeof import("../../sources/selector.ts");
  const selector = parseSelector(idWords);
  if (selector === null) {
    throw new UsageError(`Cannot export the provenance of all of "${name}"`, {
      hint: "give a quantum or dataset: export SOURCE ID FILE.json",
    });
  }
  const path = filePath(output, cli.env, cli.cwd, PROV_JSON);
  const { trace } = await import(
    import.meta.resolve("../../inspect/trace/trace.ts")
  ) as typeof import("../../inspect/trace/trace.ts");
  const { provDocument } = await import(
    import.meta.resolve("../../inspect/trace/prov_document.ts")
  ) as typeof import("../../inspect/trace/prov_document.ts");
  const { DurableWriter } = await import(
    import.meta.resolve("../../storage/durable_writer.ts")
  ) as typeof import("../../storage/durable_writer.ts");
  await using source = await openArgument(name, run[0], options, cli, context);
  const graph = await source.traceSource();
  const limits = { maxDepth: depth ?? null, maxNodes: limit };
  const found = await trace(graph, await graph.locate(selector), "up", limits);
  const { document, nLeftOut } = await provDocument(source, found);
  using file = DurableWriter.create(path);
  file.write(`${JSON.stringify(document, null, 1)}\n`);
  file.commit();
  const { activity, entity } = document;
  const n = Object.keys(activity).length;
  context.log.log("INFO", `Wrote ${path} (${n} quanta, ${Object.keys(entity).length} entities).`);
  if (found.nBeyondLimit + found.nBeyondDepth > 0) {
    const why = found.nBeyondLimit > 0 ? `--limit ${limit}` : `--depth ${depth}`;
    context.log.log(
      "WARNING",
      `Not all is written: ${found.nBeyondLimit + found.nBeyondDepth} more beyond ${why}.`,
    );
  }
  if (nLeftOut > 0) {
    context.log.log("INFO", `${nLeftOut} left out: quanta never attempted, datasets not produced.`);
  }
}

/** Which tables go where. */
function targetsOf(
  output: string,
  { table, format: wished, force }: Options,
  { env, cwd }: CliContext,
): { targets: Target[]; directory: string | null } {
  const unknown = table.find((name) => !(EXPORT_TABLES as readonly string[]).includes(name));
  if (unknown !== undefined) {
    throw new UsageError(`Cannot export table "${unknown}": there is none`, {
      hint: `tables are ${EXPORT_TABLES.join(", ")}`,
    });
  }
  const tables = table as ExportTable[];
  const named = tableFileFormat(output) as ExportFormat | null;
  const format = wished as ExportFormat | undefined;
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
