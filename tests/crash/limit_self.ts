/**
 * Loaded before the entry point (`--preload`): gives this process the limits of `PROVGRAPH_TEST_LIMITS`, words
 * for `prlimit`, once the entry point listens to signals. Set before, they would hit the runtime's start.
 *
 * @module
 */

const limits = Deno.env.get("PROVGRAPH_TEST_LIMITS")!.split(" ");
const addSignalListener = Deno.addSignalListener;

Deno.addSignalListener = (signal, handler) => {
  addSignalListener(signal, handler);
  if (signal !== "SIGTERM") return;
  const { success } = new Deno.Command("prlimit", {
    args: ["--pid", String(Deno.pid), ...limits],
  }).outputSync();
  if (!success) throw new Error(`cannot set limits ${limits}`);
};
