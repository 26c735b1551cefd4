/** A report made of the table of quanta is the one that a pass over the documents makes. */

import assert from "node:assert/strict";
import { SILENT_PROGRESS } from "../../lib/base/progress.ts";
import { collectReport } from "../../lib/report/collect.ts";
import { DEFAULT_REPORT_LIMITS } from "../../lib/report/collector.ts";
import type { RunReport } from "../../lib/report/model.ts";
import { openSource } from "../../lib/sources/open_source.ts";
import type { DocumentSource } from "../../lib/sources/source.ts";
import { GRAPH_FIXTURES, removeOurGraphs, withOurGraph } from "../support/our_graphs.ts";

/** A source that keeps to itself that it has a table. */
function withoutTable(source: DocumentSource): DocumentSource {
  return new Proxy(source, {
    get(target, key) {
      if (key === "tabled") return () => Promise.resolve(null);
      const value = Reflect.get(target, key, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

async function reportOf(path: string, byTable: boolean): Promise<RunReport> {
  await using source = await openSource(path, null, Deno.env, Deno.cwd(), {});
  assert.notEqual(await source.tabled!(), null);
  return await collectReport(byTable ? source : withoutTable(source), {
    argument: path,
    limits: DEFAULT_REPORT_LIMITS,
    tool: "a test",
    now: new Date(0),
    progress: SILENT_PROGRESS,
  });
}

/** Sums depend on the order of their parts, in the last digits. */
function rounded(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value), (_, part) => {
    return typeof part === "number" && !Number.isInteger(part) ? Number(part.toPrecision(9)) : part;
  });
}

Deno.test.afterAll(removeOurGraphs);

for (const name of GRAPH_FIXTURES) {
  Deno.test(`the table makes the report that documents make: ${name}`, async () => {
    const path = (await withOurGraph(name)).join("ours.qg");
    const byTable = await reportOf(path, true);
    assert.deepEqual(rounded(byTable), rounded(await reportOf(path, false)));
    assert.ok(byTable.n_quanta > 0);
  });
}
