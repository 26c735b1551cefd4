/**
 * `cat`, `info`, `ls`, `why` and `report` with the options that scripts use, one call after the other. There is
 * next to nothing to parse then, and the package that parses options takes a third of the time of such a command.
 *
 * @module
 */

import { UsageError } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import { visibleLine } from "../../base/text/visible_text.ts";
import { TOOL_NAME } from "../../base/version.ts";
import { localPath } from "../../butler/config/local_path.ts";
import type { LockWaitOptions } from "../../butler/registry/lock_wait.ts";
import type { DocumentSource } from "../../sources/source.ts";
import type { CliContext } from "../context.ts";
import { ExitCode, exitCodeOf } from "../exit_codes.ts";
import { asksForJson, describeError } from "../tell_error.ts";
import { helpHint } from "../usage_hint.ts";
import { ClosedPipeError, type Terminal } from "../terminal/terminal.ts";
import { type PlainWords, plainWords } from "./plain_words.ts";

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
  const { terminal } = context;
  if (terminal.isTerminal || terminal.isErrorTerminal) return null;
  const parts = plainWords(args);
  if (parts === null || parts.words.length === 0) return null;
  try {
    return await CARRY_OUT[parts.command](parts, context) ? ExitCode.DONE : null;
  } catch (error) {
    if (error instanceof ClosedPipeError) return ExitCode.DONE;
    // At the very first use packages are still to be fetched. Nothing was printed without them, and the
    // package that parses options, once it is imported, makes the runtime fetch all.
    if (!arePackagesThere()) return null;
    terminal.writeError(describeError(error, {
      isJson: asksForJson(args),
      isDebug: false,
      args,
      ...(error instanceof UsageError ? { usageHint: error.hint ?? helpHint(parts.command) } : {}),
    }));
    return exitCodeOf(error);
  }
}

/** Carries out a command; false, and nothing was done, where the parser of options has to look at it. */
type CarryOut = (parts: PlainWords, context: CliContext) => Promise<boolean>;

const CARRY_OUT: Readonly<Record<PlainWords["command"], CarryOut>> = {
  cat: async (parts, context) => {
    if (await isQuick(parts, context)) return true;
    const { plainCatRequest, printDocument } = await withOpener(
      import(import.meta.resolve("./plain_cat.ts")) as Promise<typeof import("./plain_cat.ts")>,
    );
    const request = plainCatRequest(parts);
    if (request === null) return false;
    const { terminal } = context;
    await printDocument(opener(parts, context), request, (bytes) => terminal.write(bytes));
    return true;
  },
  info: async (parts, context) => {
    if (parts.words.length !== 1) return false;
    const { printInfo } = await withOpener(
      import(import.meta.resolve("./plain_info.ts")) as Promise<typeof import("./plain_info.ts")>,
    );
    const request = { isCounting: parts.has("--count"), isJson: parts.has("--json") };
    const { terminal } = context;
    await printInfo(opener(parts, context), request, (text) => terminal.write(text));
    return true;
  },
  ls: async (parts, context) => {
    const { listRequest, printListed } = await withOpener(
      import(import.meta.resolve("./plain_list.ts")) as Promise<typeof import("./plain_list.ts")>,
    );
    const request = listRequest(parts);
    if (request === null) return false;
    const log = stderrLog(parts.command, context.terminal);
    await printListed(opener(parts, context), request, { ...context, log });
    return true;
  },
  report: async (parts, context) => {
    if (parts.words.length !== 1) return false;
    const { printReport } = await withOpener(
      import(import.meta.resolve("./plain_report.ts")) as Promise<
        typeof import("./plain_report.ts")
      >,
    );
    await printReport(parts.words[0], opener(parts, context), context);
    return true;
  },
  why: async (parts, context) => {
    const [source, ...idWords] = parts.words;
    if (idWords.length === 0) return false;
    const { printWhy } = await withOpener(
      import(import.meta.resolve("./plain_why.ts")) as Promise<typeof import("./plain_why.ts")>,
    );
    const request = { source, idWords, run: parts.value("--run") ?? null };
    await printWhy(request, opener(parts, context), (text) => context.terminal.write(text));
    return true;
  },
};

/** Carries out a request that takes less than all; false, and nothing was done, for any other. */
async function isQuick(parts: PlainWords, context: CliContext): Promise<boolean> {
  const [source, kind, ...idWords] = parts.words;
  const what: "log" | "metadata" | null = kind === "log" || kind === "metadata" ? kind : null;
  if (what === null || idWords.length !== 1) return false;
  const run = parts.value("--run") ?? null;
  if (parts.nOptions > (run === null ? 0 : 1)) return false;
  const request = { source, what, idWords, run };
  const { env, cwd, terminal } = context;
  const output = (text: Uint8Array | string) => terminal.write(text);
  if (/\.qg$/.test(source)) {
    const { quickCat } = await import(
      import.meta.resolve("./quick_cat.ts")
    ) as typeof import("./quick_cat.ts");
    const path = () => localPath(source, env, cwd, "SOURCE");
    return await quickCat(request, { path, sourceName: null }, output);
  }
  if (run === null) return false;
  const { quickRepositoryCat } = await import(
    import.meta.resolve("./quick_repository_cat.ts")
  ) as typeof import("./quick_repository_cat.ts");
  const surroundings = { env, cwd, wait: waitOptions(parts, context) };
  return await quickRepositoryCat(request, surroundings, output);
}

/** What opens sources is loaded with a module at once: the runtime reads the one while it compiles the other. */
async function withOpener<T>(loading: Promise<T>): Promise<T> {
  return (await Promise.all([loading, loadOpener()]))[0];
}

function loadOpener(): Promise<typeof import("../../sources/open_source.ts")> {
  return import(import.meta.resolve("../../sources/open_source.ts"));
}

/** Opens the SOURCE of a command line. */
function opener(parts: PlainWords, context: CliContext): () => Promise<DocumentSource> {
  return async () => {
    const { openSource } = await loadOpener();
    return await openSource(
      parts.words[0],
      parts.value("--run") ?? null,
      context.env,
      context.cwd,
      waitOptions(parts, context),
    );
  };
}

/** How a locked registry is waited for. */
function waitOptions({ command }: PlainWords, { terminal, now }: CliContext): LockWaitOptions {
  return { log: stderrLog(command, terminal), now };
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
