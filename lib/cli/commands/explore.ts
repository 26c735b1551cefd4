/** `explore SOURCE...`. @module */

import { Command } from "commander";
import { UsageError } from "../../base/errors.ts";
import { visibleLine } from "../../base/text/visible_text.ts";
import type { ServedBytes } from "../../explore/served_bytes.ts";
import { type BusyOptions, busyTimeoutOption, filePath, forceOption, lockWait } from "../args.ts";
import type { CliContext, CommandContext } from "../context.ts";
import { EXPLORE_EPILOGUE } from "../manual/help.ts";
import { openBrowser } from "../terminal/browser.ts";
import { formatBytes } from "../../base/text/bytes_text.ts";

/** Options as commander gives them. */
interface Options extends BusyOptions {
  run?: string;
  open: boolean;
  page?: string;
}

/** Defines the command. */
export function exploreCommand(
  _cli: CliContext,
  start: (name: string, aliases?: string[]) => CommandContext,
): Command {
  return new Command("explore")
    .description(
      "Serve a page that shows SOURCE in a browser, on this machine and to nobody else, until Ctrl-C. " +
        "With --page, write that page for a web server or bucket instead.",
    )
    .argument(
      "[source...]",
      "provenance graph (path or URL), chunk log, also of a run that goes on, or butler repository",
    )
    .option("--run <run>", "RUN collection of a repository")
    .option("--no-open", "only print the link, open no browser")
    .option("--page <file>", "write the page, which opens what its ?graph=URL says, and end")
    .addOption(forceOption())
    .addOption(busyTimeoutOption())
    .addHelpText("after", EXPLORE_EPILOGUE)
    .action(async (sources: string[], options: Options) => {
      const context = start("explore");
      const { readPage } = await import(
        import.meta.resolve("../../explore/page_text.ts")
      ) as typeof import("../../explore/page_text.ts");
      if (options.page !== undefined) {
        if (sources.length > 0) {
          throw new UsageError("Cannot write a page of a SOURCE: the page reads it by its URL", {
            hint: "leave SOURCE out, put page and graph on a server, and open PAGE?graph=URL",
          });
        }
        return await writePage(await readPage(), options.page, context);
      }
      if (sources.length === 0) {
        throw new UsageError("Cannot explore nothing: no SOURCE is named", {
          hint: "give a provenance graph or a chunk log, or --page FILE to write the page alone",
        });
      }
      await serve(await readPage(), sources, options, context);
    });
}

async function writePage(
  page: string,
  file: string,
  { env, cwd, log }: CommandContext,
): Promise<void> {
  const path = filePath(file, env, cwd, "page");
  const { DurableWriter } = await import(
    import.meta.resolve("../../storage/durable_writer.ts")
  ) as typeof import("../../storage/durable_writer.ts");
  using target = DurableWriter.create(path);
  target.write(page);
  target.commit();
  log.log("INFO", `Wrote ${path} (${formatBytes(page.length)}).`);
}

async function serve(
  page: string,
  sources: readonly string[],
  options: Options,
  context: CommandContext,
): Promise<void> {
  const { openSource } = await import(
    import.meta.resolve("../../sources/open_source.ts")
  ) as typeof import("../../sources/open_source.ts");
  const { servedBytesOf } = await import(
    import.meta.resolve("../../explore/open_served.ts")
  ) as typeof import("../../explore/open_served.ts");
  const { serveExplorer } = await import(
    import.meta.resolve("../../explore/server.ts")
  ) as typeof import("../../explore/server.ts");
  const served: ServedBytes[] = [];
  try {
    for (const argument of sources) {
      await using source = await openSource(
        argument,
        options.run ?? null,
        context.env,
        context.cwd,
        lockWait(options, context),
      );
      served.push(await servedBytesOf(source));
    }
  } catch (error) {
    for (const source of served) source.close();
    throw error;
  }
  context.stopGracefully();
  await using server = serveExplorer(page, served);
  context.terminal.write(`${server.url}\n`);
  const isOpened = options.open && openBrowser(server.url, context.env);
  for (const { name } of served) context.log.log("INFO", `Serving ${visibleLine(name)}.`);
  context.log.log(
    "INFO",
    `${
      isOpened ? "Opened the link" : "Open the link"
    } in a browser of this machine; Ctrl-C ends it.`,
  );
  await untilStopped(context.signal);
}

/** Settles at the first signal: that is how this command usually ends. */
function untilStopped(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
