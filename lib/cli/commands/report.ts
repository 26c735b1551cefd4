/** `report SOURCE`. @module */

import { Command } from "commander";
import { UsageError } from "../../base/errors.ts";
import { type JsonValue, stringifyJson } from "../../base/json_text.ts";
import { visibleJson } from "../../base/text/visible_text.ts";
import { TOOL_NAME, TOOL_VERSION } from "../../base/version.ts";
import {
  type BusyOptions,
  busyTimeoutOption,
  filePath,
  forceOption,
  integerAtLeast,
  statusIntervalOption,
} from "../args.ts";
import type { CliContext, CommandContext } from "../context.ts";
import { openArgument } from "../open_argument.ts";
import { REPORT_EPILOGUE } from "../manual/help.ts";
import { shown } from "../terminal/color.ts";
import { formatBytes } from "../../base/text/bytes_text.ts";

/** Options as commander gives them. */
interface Options extends BusyOptions {
  run?: string;
  html?: string;
  markdown?: string;
  json: boolean;
  limit?: number;
  baseline?: string;
  baselineRun?: string;
}

/** Most failed quanta of a task that a page can bear. */
const MAX_LIMIT = 100_000;

/** Defines the command. */
export function reportCommand(
  cli: CliContext,
  start: (name: string, aliases?: string[]) => CommandContext,
): Command {
  return new Command("report")
    .description(
      "Sum up what became of a run: status of quanta, when they ran, time and memory, failures " +
        "with samples. Without --html, --markdown or --json it prints the main numbers.",
    )
    .argument("<source>", "provenance graph (path or URL), chunk log or butler repository")
    .option("--run <run>", "RUN collection of a repository")
    .option("--html <file>", "write one page that opens without network; - for stdout")
    .option("--markdown <file>", "write Markdown; - for stdout")
    .option("--json", "print the report as JSON", false)
    .option("--baseline <source>", "another run to compare with: graph, chunk log or repository")
    .option("--baseline-run <run>", "RUN collection of the baseline's repository")
    .option(
      "--limit <n>",
      "failed quanta of each task that are listed (default: all, up to 50,000 in all)",
      integerAtLeast(0, MAX_LIMIT),
    )
    .addOption(forceOption())
    .addOption(statusIntervalOption())
    .addOption(busyTimeoutOption())
    .addHelpText("after", REPORT_EPILOGUE)
    .action(async (argument: string, options: Options) => {
      const context = start("report");
      const { html, markdown } = options;
      checkOptions(options);
      const target = (file: string, what: string) =>
        file === "-" ? null : filePath(file, cli.env, cli.cwd, what);
      const htmlTarget = html === undefined ? null : { path: target(html, "page") };
      const markdownTarget = markdown === undefined ? null : { path: target(markdown, "document") };

      const { collectReport, DEFAULT_REPORT_LIMITS } = await loadReport();
      await using source = await openArgument(argument, options.run, options, cli, context);
      await using baseline = options.baseline === undefined
        ? null
        : await openArgument(options.baseline, options.baselineRun, options, cli, context);
      const report = await collectReport(source, {
        baseline: baseline ?? undefined,
        argument,
        limits: {
          ...DEFAULT_REPORT_LIMITS,
          nFailed: options.limit ?? DEFAULT_REPORT_LIMITS.nFailed,
        },
        tool: `${TOOL_NAME} ${TOOL_VERSION}`,
        now: cli.now(),
        progress: context.progress,
      });
      if (htmlTarget !== null) {
        const { reportHtml } = await import(
          import.meta.resolve("../../report/page/page.ts")
        ) as typeof import("../../report/page/page.ts");
        await deliver(await reportHtml(report), htmlTarget.path, context);
      }
      if (markdownTarget !== null) {
        const { reportMarkdown } = await import(
          import.meta.resolve("../../report/page/markdown.ts")
        ) as typeof import("../../report/page/markdown.ts");
        await deliver(reportMarkdown(report), markdownTarget.path, context);
      }
      if (options.json) cli.terminal.write(asJson(report));
      if (htmlTarget === null && markdownTarget === null && !options.json) {
        const { reportText } = await import(
          import.meta.resolve("../summaries/report_text.ts")
        ) as typeof import("../summaries/report_text.ts");
        cli.terminal.write(shown(reportText(report, context.style), context.style));
      }
    });
}

/** Loads what makes a report, and at the same time what opens a SOURCE. */
async function loadReport() {
  const [{ collectReport }, { DEFAULT_REPORT_LIMITS }] = await Promise.all([
    import(import.meta.resolve("../../report/collect.ts")) as Promise<
      typeof import("../../report/collect.ts")
    >,
    import(import.meta.resolve("../../report/collector.ts")) as Promise<
      typeof import("../../report/collector.ts")
    >,
    import(import.meta.resolve("../../sources/open_source.ts")),
  ]);
  return { collectReport, DEFAULT_REPORT_LIMITS };
}

/** A report is made of JSON values alone, which interfaces can't express. */
function asJson(report: object): string {
  return `${visibleJson(stringifyJson(report as unknown as JsonValue))}\n`;
}

function checkOptions({ html, markdown, json, baseline, baselineRun }: Options): void {
  if (baselineRun !== undefined && baseline === undefined) {
    throw new UsageError("Cannot use --baseline-run without --baseline", {
      hint: "name the repository of the other run with --baseline",
    });
  }
  if ([html === "-", markdown === "-", json].filter(Boolean).length > 1) {
    throw new UsageError("Cannot print two reports: only one of them can go to stdout");
  }
}

/** @param path of the file, complete or absent; null for stdout. */
async function deliver(
  text: string,
  path: string | null,
  { terminal, log }: CommandContext,
): Promise<void> {
  if (path === null) {
    terminal.write(text);
    return;
  }
  const { DurableWriter } = await import(
    import.meta.resolve("../../storage/durable_writer.ts")
  ) as typeof import("../../storage/durable_writer.ts");
  using file = DurableWriter.create(path);
  file.write(text);
  file.commit();
  log.log("INFO", `Wrote ${path} (${formatBytes(text.length)}).`);
}
