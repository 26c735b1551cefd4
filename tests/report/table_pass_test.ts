/** A report made of the table of quanta is the one that a pass over the documents makes. */

import assert from "node:assert/strict";
import { SILENT_PROGRESS } from "../../lib/base/progress.ts";
import { collectReport } from "../../lib/report/collect.ts";
import { DEFAULT_REPORT_LIMITS } from "../../lib/report/collector.ts";
import type { RunReport } from "../../lib/report/model.ts";
import { openSource } from "../../lib/sources/open_source.ts";
import { GRAPH_FIXTURES, removeOurGraphs, withOurGraph } from "../support/our_graphs.ts";

/** An object of which some properties are others. */
function changed<T extends object>(object: T, changes: Partial<T>): T {
  return new Proxy(object, {
    get(target, key) {
      if (Object.hasOwn(changes, key)) return changes[key as keyof T];
      const value = Reflect.get(target, key, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

/** How much of its table a source tells of: that of earlier releases has last attempts alone. */
type Told = "all" | "last attempts" | "nothing";

async function reportOf(path: string, told: Told): Promise<RunReport> {
  await using source = await openSource(path, null, Deno.env, Deno.cwd(), {});
  const tabled = await source.tabled!();
  assert.ok(tabled !== null && tabled.table.hasEarlierAttempts);
  const shown = {
    all: tabled,
    "last attempts": {
      ...tabled,
      table: changed(tabled.table, { hasEarlierAttempts: false }),
    },
    nothing: null,
  }[told];
  const asked = changed(source, { tabled: () => Promise.resolve(shown) });
  return await collectReport(asked, {
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
  for (const told of ["all", "last attempts"] as const) {
    Deno.test(`a table of ${told} makes the report that documents make: ${name}`, async () => {
      const path = (await withOurGraph(name)).join("ours.qg");
      const byTable = await reportOf(path, told);
      assert.deepEqual(rounded(byTable), rounded(await reportOf(path, "nothing")));
      assert.ok(byTable.n_quanta > 0);
    });
  }
}
