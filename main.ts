/**
 * Entry point: the only place that knows the process and where the workers' modules are.
 *
 * @module
 */

import type { StopReason } from "./lib/base/errors.ts";
import { runCommandLine } from "./lib/cli/command_line.ts";
import { ExitCode } from "./lib/cli/exit_codes.ts";
import {
  every,
  measurePeakRss,
  openPager,
  outliveFileSizeLimit,
} from "./lib/cli/terminal/process.ts";
// Not loaded; but `deno install` finds here what it has to fetch for modules that are loaded by name.
import type {} from "./lib/codec/embedded_packages.ts";
import { describeSignal } from "./lib/cli/tell_error.ts";
import { ProcessTerminal } from "./lib/cli/terminal/terminal.ts";
import { armFailpoints, FAILPOINTS_VARIABLE } from "./lib/storage/failpoints.ts";

/** Each URL is written out, so that `deno compile` and readers find the files. */
export function makeWorker(
  role: "scanner" | "ingester" | "writer" | "deleter" | "searcher",
): Worker {
  switch (role) {
    case "scanner":
      return new Worker(new URL("./workers/scanner.ts", import.meta.url), {
        type: "module",
        name: role,
      });
    case "ingester":
      return new Worker(new URL("./workers/ingester.ts", import.meta.url), {
        type: "module",
        name: role,
      });
    case "writer":
      return new Worker(new URL("./workers/writer.ts", import.meta.url), {
        type: "module",
        name: role,
      });
    case "deleter":
      return new Worker(new URL("./workers/deleter.ts", import.meta.url), {
        type: "module",
        name: role,
      });
    case "searcher":
      return new Worker(new URL("./workers/searcher.ts", import.meta.url), {
        type: "module",
        name: role,
      });
  }
}

/** Signals that end a command, with their numbers. */
const SIGNALS: readonly [Deno.Signal, number][] = [["SIGHUP", 1], ["SIGINT", 2], ["SIGTERM", 15]];

if (import.meta.main) {
  armFailpoints(Deno.env.get(FAILPOINTS_VARIABLE));
  outliveFileSizeLimit();
  const terminal = new ProcessTerminal(Deno.stdout, Deno.stderr);
  const stopping = new AbortController();
  let isGraceful = false;
  for (const [signal, number] of SIGNALS) {
    Deno.addSignalListener(signal, () => {
      if (stopping.signal.aborted || !isGraceful) {
        terminal.writeError(describeSignal({ signal, number }, isGraceful, Deno.args));
        Deno.exit(ExitCode.SIGNAL + number);
      }
      stopping.abort({ signal, number } satisfies StopReason);
    });
  }
  Deno.exit(
    await runCommandLine(Deno.args, {
      terminal,
      input: () => Deno.stdin.readable,
      env: Deno.env,
      cwd: Deno.cwd(),
      root: new URL(".", import.meta.url),
      makeWorker,
      signal: stopping.signal,
      stopGracefully: () => {
        isGraceful = true;
      },
      nProcessors: navigator.hardwareConcurrency,
      processId: Deno.pid,
      now: () => new Date(),
      append: (path, text) => Deno.writeTextFileSync(path, text, { append: true }),
      measurePeakRss,
      rssBytes: () => Deno.memoryUsage().rss,
      every,
      openPager,
    }),
  );
}
