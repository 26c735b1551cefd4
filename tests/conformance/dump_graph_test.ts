import { assertGraphEqual } from "../support/compare.ts";
import { dumpGraph } from "../support/dump_graph.ts";
import { expectedJson, fixturePath } from "../support/fixtures.ts";

const GRAPHS: [name: string, file: string, expected: string][] = [
  ["small-ok", "provenance.qg", "provenance.graph"],
  ["small-ok", "midrun.provenance.qg", "midrun.provenance.graph"],
  ["small-mixed", "provenance.qg", "provenance.graph"],
  ["small-mixed", "provenance-with-dictionary.qg", "provenance.graph"],
  ["small-mixed", "midrun.provenance.qg", "midrun.provenance.graph"],
  ["small-failed", "provenance.qg", "provenance.graph"],
  ["small-mock", "provenance.qg", "provenance.graph"],
  ["two-phase", "provenance.qg", "provenance.graph"],
  ["second-run", "provenance.qg", "provenance.graph"],
  ["medium", "provenance.qg", "provenance.graph"],
];

for (const [name, file, expected] of GRAPHS) {
  Deno.test(`dumpGraph() equals the oracle's dump when it reads ${name}/${file}`, async () => {
    assertGraphEqual(await dumpGraph(fixturePath(name, file)), expectedJson(name, expected));
  });
}
