/**
 * `cat SOURCE WHAT [ID...]`, `why SOURCE ID...` and `report SOURCE` without any option but `--run`: what scripts
 * ask for, one document after the other. There is next to nothing to parse then, and the package that parses
 * options takes a third of the time of such a command.
 *
 * @module
 */

import { UsageError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { visibleLine } from "../base/text/visible_text.ts";
import { TOOL_NAME } from "../base/version.ts";
import { DOCUMENT_KINDS, type DocumentKind } from "../sources/document_kinds.ts";
import type { CliContext } from "./context.ts";
import { ExitCode, exitCodeOf } from "./exit_codes.ts";
import { describeError } from "./tell_error.ts";
import { helpHint } from "./usage_hint.ts";
import { ClosedPipeError, type Terminal } from "./terminal/terminal.ts";

/** What such a command line asks for. */
type PlainRequest =
  & { source: string; idWords: string[]; run: string | null }
  & ({ command: "cat"; what: DocumentKind } | { command: "why" } | { command: "report" });

/**
 * Carries out a command line, if it is one of these.
 *
 * @returns the exit code of the process; null, and nothing was done, for every other command line and
 *   where there is a terminal to be nice to.
 */
export async function runPlainCommand(
  args: readonly string[],
  context: CliContext,
): Promise<number | null> {
  const request = plainRequest(args);
  const { terminal } = context;
  if (request === null || terminal.isTerminal || terminal.isErrorTerminal) return null;
  try {
    await carryOut(request, context);
    return ExitCode.DONE;
  } catch (error) {
    if (error instanceof ClosedPipeError) return ExitCode.DONE;
    // At the very first use packages are still to be fetched. Nothing was printed without them, and the
    // package that parses options, once it is imported, makes the runtime fetch all.
    if (!arePackagesThere()) return null;
    terminal.writeError(describeError(error, {
      isJson: false,
      isDebug: false,
      args,
      ...(error instanceof UsageError
        ? { usageHint: error.hint ?? helpHint(request.command) }
        : {}),
    }));
    return exitCodeOf(error);
  }
}

/** Carries out a request that takes less than all; false, and nothing was done, for any other. */
async function isQuick(
  { source, what, idWords, run }: PlainRequest & { command: "cat" },
  { env, cwd, terminal }: CliContext,
): Promise<boolean> {
  if (what !== "log" && what !== "metadata" || idWords.length !== 1) return false;
  const { quickCat } = await import(
    import.meta.resolve("./quick_cat.ts")
  ) as typeof import("./quick_cat.ts");
  const request = { source, what, idWords, run };
  return await quickCat(request, env, cwd, (text) => terminal.write(text));
}

async function carryOut(request: PlainRequest, context: CliContext): Promise<void> {
  const { terminal } = context;
  const loadOpener = () =>
    import(import.meta.resolve("../sources/open_source.ts")) as Promise<
      typeof import("../sources/open_source.ts")
    >;
  const open = async () => {
    const { openSource } = await loadOpener();
    return await openSource(
      request.source,
      request.run,
      context.env,
      context.cwd,
      { log: stderrLog(request.command, terminal), now: context.now },
    );
  };
  if (request.command === "why") {
    const loading = import(import.meta.resolve("./plain_why.ts")) as Promise<
      typeof import("./plain_why.ts")
    >;
    // At once: the runtime reads modules of one while it compiles those of the other.
    const [{ printWhy }] = await Promise.all([loading, loadOpener()]);
    return await printWhy(request, open, (text) => terminal.write(text));
  }
  if (request.command === "report") {
    const loading = import(import.meta.resolve("./plain_report.ts")) as Promise<
      typeof import("./plain_report.ts")
    >;
    const [{ printReport }] = await Promise.all([loading, loadOpener()]);
    return await printReport(request.source, open, context);
  }
  if (await isQuick(request, context)) return;
  await using source = await open();
  const { cat } = await import(
    import.meta.resolve("../inspect/cat/cat.ts")
  ) as typeof import("../inspect/cat/cat.ts");
  const { what, idWords } = request;
  await cat(
    source,
    {
      what,
      idWords,
      attempt: null,
      allAttempts: false,
      filter: null,
      format: "text",
      isRaw: false,
    },
    (bytes) => terminal.write(bytes),
  );
}

/** Whether the packages are there of which files are read by their paths. */
function arePackagesThere(): boolean {
  try {
    return Deno.statSync(new URL(import.meta.resolve("@bokuweb/zstd-wasm"))).isFile;
  } catch {
    return false;
  }
}

/** What there is to say meanwhile, as the logger would say it. */
function stderrLog(command: string, terminal: Terminal): Log {
  return {
    log: (level, text) =>
      terminal.writeError(`${visibleLine(`${TOOL_NAME}.${command} ${level}: ${text}`)}\n`),
  };
}

function plainRequest(args: readonly string[]): PlainRequest | null {
  const words = [...args];
  const at = words.indexOf("--run");
  const run = at > 0 ? words.splice(at, 2)[1] ?? "" : null;
  if (run === "" || words.some((word) => word.startsWith("-")) || run?.startsWith("-")) return null;
  const [command, source, ...rest] = words;
  if (command === "why" && rest.length > 0) return { command, source, idWords: rest, run };
  if (command === "report" && source !== undefined && rest.length === 0) {
    return { command, source, idWords: [], run };
  }
  const what = DOCUMENT_KINDS.find((known) => known === rest[0]);
  return command !== "cat" || what === undefined
    ? null
    : { command, source, what, idWords: rest.slice(1), run };
}
