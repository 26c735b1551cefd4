/**
 * The entry point with one kind of worker replaced by one that goes wrong, as the environment says:
 * `ROLE:MESSAGE:HOW`. Started as a process by `workers_test.ts`.
 *
 * @module
 */

import type { StopReason } from "../../lib/base/errors.ts";
import { runProgram } from "../../lib/cli/program.ts";
import { ProcessTerminal } from "../../lib/cli/terminal/terminal.ts";

const [badRole, when, how] = Deno.env.get("PROVGRAPH_TEST_BAD_WORKER")!.split(":");

function makeWorker(role: string): Worker {
  if (role !== badRole) {
    return new Worker(import.meta.resolve(`../../workers/${role}.ts`), { type: "module" });
  }
  const file = how === "missing" || how === "unreadable" ? `./${how}_worker.ts` : "./bad_worker.ts";
  const url = new URL(file, import.meta.url);
  url.search = String(new URLSearchParams({ role, when, how }));
  return new Worker(url, { type: "module" });
}

if (import.meta.main) {
  const stopping = new AbortController();
  Deno.addSignalListener("SIGTERM", () => {
    stopping.abort({ signal: "SIGTERM", number: 15 } satisfies StopReason);
  });
  Deno.exit(
    await runProgram(Deno.args, {
      terminal: new ProcessTerminal(Deno.stdout, Deno.stderr),
      env: Deno.env,
      cwd: Deno.cwd(),
      root: new URL("../../", import.meta.url),
      makeWorker,
      signal: stopping.signal,
      nProcessors: 2,
      input: () => ReadableStream.from([]),
      processId: Deno.pid,
      now: () => new Date(),
      append: () => {},
      stopGracefully: () => {},
      measurePeakRss: () => () => null,
      rssBytes: () => 0,
      every: () => () => {},
      openPager: () => {
        throw new Error("no pager here");
      },
    }),
  );
}
