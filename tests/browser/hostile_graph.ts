/** A graph whose texts try to be markup, and to hide what stands beside them. @module */

import { expectProvgraph, unpackFixture } from "../support/fixtures.ts";

const EVIL =
  `<img src=x onerror="globalThis.pwned=1"></script><script>pwned=1</script>\u202eback\x07`;

/** Makes the log and exception of every failed quantum evil, and aggregates. */
export async function makeHostileGraph(path: string): Promise<void> {
  await using run = await unpackFixture("small-mixed", "before");
  for (const log of logsBelow(`${run.repo}/u/oracle/out`)) {
    const document = JSON.parse(
      // What Python writes of floats is no JSON.
      Deno.readTextFileSync(log).replaceAll(/-?\b(?:NaN|Infinity)\b/g, "0"),
    );
    if (document.exception == null) continue;
    document.exception.type_name = `x.E${EVIL}`;
    document.exception.message = `first ${EVIL}\nsecond ${EVIL}`;
    document.records[0].message = `message ${EVIL}`;
    Deno.writeTextFileSync(log, JSON.stringify(document));
  }
  await expectProvgraph(["-q", "aggregate-graph", "predicted.qg", "repo", "-o", path, "-j", "1"], {
    cwd: run.path,
  });
}

function* logsBelow(directory: string): Generator<string> {
  for (const { name, isDirectory } of Deno.readDirSync(directory)) {
    const path = `${directory}/${name}`;
    if (isDirectory) yield* logsBelow(path);
    else if (/_log_.*\.json$/.test(name)) yield path;
  }
}
