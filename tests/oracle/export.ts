/**
 * Exported tables read by the programs that they are for: the queries of `schema/export.md` with DuckDB,
 * pandas and astropy, and sums beside those of the reference's own tables; documents of provenance read by
 * the package for W3C PROV, and beside the reference's own graph.
 *
 * @module
 */

import assert from "node:assert/strict";
import { join } from "node:path";
import { expectProvgraph, fixturePath, PROJECT, temporaryDirectory } from "../support/fixtures.ts";
import type { Report } from "./checks.ts";
import { Reference } from "./reference.ts";

const FIXTURES = ["small-ok", "small-mixed", "small-failed", "small-mock", "medium"];
/** Packages beside those of the reference. */
const PACKAGES = ["duckdb==1.5.4", "pandas==3.0.4", "prov==3.2.3"];

/** Evaluates each query in the folder of a fixture's tables; prints how many there were. */
const QUERIES = `
import os, re, sys
import astropy.table, astropy.time, duckdb, pandas, prov.model
text = open("/data/export.md").read()
os.chdir(sys.argv[1])
counts = {"sql": 0, "python": 0}
for language, code in re.findall(r"\`\`\`(sql|python)\\n(.*?)\`\`\`", text, re.S):
    result = duckdb.sql(code).fetchall() if language == "sql" else eval(code)
    assert language == "python" or len(result) > 0 or "status = 'FAILED'" in code or "NOT d" in code, code
    counts[language] += 1
assert counts == {"sql": 3, "python": 7}, counts
`;

/** Compares sums of the exported tables with the reference's tables, whose times have 32 bits. */
const SUMS = `
import math, sys, uuid
import pandas
from lsst.pipe.base.pipeline_graph import TaskImportMode
from lsst.pipe.base.quantum_graph import ProvenanceQuantumGraphReader
folder = sys.argv[1]
with ProvenanceQuantumGraphReader.open(f"{folder}/graph.qg", import_mode=TaskImportMode.DO_NOT_IMPORT) as reader:
    reader.read_init_quanta(); reader.read_quanta(); reader.read_datasets()
    graph = reader.graph
quanta = pandas.read_parquet(f"{folder}/quanta.parquet")
resources = pandas.read_parquet(f"{folder}/resources.parquet")
for row in graph.make_quantum_table(as_table=False):
    mine = quanta[quanta.task == row["Task"]]
    assert len(mine) == row["TOTAL"], row
    counts = mine.status.str.replace("_", " ").str.lower().value_counts().to_dict()
    theirs = {k.lower().replace("_", " "): v for k, v in row.items() if k not in ("Task", "Caveats", "TOTAL", "EXPECTED") and v}
    assert counts == theirs, (counts, theirs)
for row in graph.make_exception_table(as_table=False):
    mine = quanta[(quanta.task == row["Task"]) & (quanta.exception == row["Exception"])]
    assert (mine.status == "SUCCESSFUL").sum() == row["Successes"], row
    assert (mine.status != "SUCCESSFUL").sum() == row["Failures"], row
for task in graph.quanta_by_task:
    theirs = graph.make_task_resource_usage_table(task)
    mine = resources[resources.task == task]
    assert len(mine) == len(theirs), (task, len(mine), len(theirs))
    for name in ("memory", "prep_time", "init_time", "run_time", "run_time_cpu"):
        a, b = math.fsum(mine[name]), math.fsum(theirs[name])
        assert math.isclose(a, b, abs_tol=1e-6 * math.fsum(abs(mine[name]))), (task, name, a, b)
`;

/** Reads a document of provenance strictly, and compares it with the ancestors in the reference's graph. */
const PROV = `
import sys, uuid, warnings
warnings.simplefilter("error")
from prov.model import ProvActivity, ProvAgent, ProvDocument, ProvEntity, ProvGeneration, ProvInfluence, ProvUsage
warnings.simplefilter("default")
from lsst.pipe.base.pipeline_graph import TaskImportMode
from lsst.pipe.base.quantum_graph import ProvenanceQuantumGraphReader
folder, root = sys.argv[1], uuid.UUID(sys.argv[2])
with warnings.catch_warnings():
    warnings.simplefilter("error")
    document = ProvDocument.deserialize(f"{folder}/prov.json")
    assert ProvDocument.deserialize(content=document.serialize()) == document
assert document.get_provn().startswith("document")
with ProvenanceQuantumGraphReader.open(f"{folder}/graph.qg", import_mode=TaskImportMode.DO_NOT_IMPORT) as reader:
    reader.read_init_quanta(); reader.read_quanta(); reader.read_datasets()
    xgraph = reader.graph.bipartite_xgraph
def reach(node, found):
    found.add(node)
    for before in xgraph.predecessors(node):
        if before not in found and xgraph.nodes[before].get("produced", True):
            reach(before, found)
    return found
theirs = reach(root, set())
def ids(kind, is_wanted=lambda record: True):
    return {uuid.UUID(r.identifier.uri.removeprefix("urn:uuid:")) for r in document.get_records(kind)
            if r.identifier.uri.startswith("urn:uuid:") and is_wanted(r)}
def is_quantum(record):
    return not record.get_attribute("provgraph:is_init")
quanta, datasets = ids(ProvActivity, is_quantum), ids(ProvEntity)
assert quanta == {i for i in theirs if "produced" not in xgraph.nodes[i]}, "quanta"
assert datasets >= {i for i in theirs if "produced" in xgraph.nodes[i]}, "datasets"
extra = {xgraph.nodes[i]["dataset_type_name"] if i in xgraph else None for i in datasets - theirs}
assert extra <= {None}, extra
edges = {(r.args[0].localpart, r.args[1].localpart) for r in document.get_records(ProvUsage)}
wanted = {(str(q), str(d)) for q in quanta for d in xgraph.predecessors(q) if d in theirs}
assert wanted <= edges, wanted - edges
made = {(r.args[0].localpart, r.args[1].localpart) for r in document.get_records(ProvGeneration)}
assert {(str(d), str(q)) for q in quanta for d in xgraph.successors(q) if d in theirs} <= made
assert len(list(document.get_records(ProvAgent))) == 1
known = {r.identifier for r in document.get_records((ProvEntity, ProvActivity, ProvAgent))}
for relation in document.get_records((ProvUsage, ProvGeneration, ProvInfluence)):
    assert {relation.args[0], relation.args[1]} <= known, relation
`;

/** Quantum whose provenance is exported: the last that succeeded in the graph's own order. */
async function rootOf(graph: string): Promise<string> {
  const { stdout } = await expectProvgraph([
    "ls",
    graph,
    "quanta",
    "--status",
    "SUCCESSFUL",
    "--json",
  ]);
  const { quantum_id } = JSON.parse(stdout.trimEnd().split("\n").at(-1)!);
  return quantum_id;
}

/** Checks that need DuckDB and pandas; where these can't be installed, says so and leaves them out. */
export async function checkExport(report: Report): Promise<void> {
  await using work = await temporaryDirectory();
  const reference = await Reference.install(work.path);
  const install = ["pip", "install", "--quiet", "--target", "/data/site", ...PACKAGES];
  const { code, stderr } = await reference.run(install);
  if (code !== 0) {
    console.log(`skipped: export: pip fails: ${stderr.trim().split("\n").at(-1)}`);
    return;
  }
  Deno.copyFileSync(join(PROJECT, "schema", "export.md"), work.join("export.md"));
  const python = async (script: string, folder: string, ...args: string[]) => {
    const path = "PYTHONPATH=/oracle:/data/site";
    const { code, stderr } = await reference.run(
      ["env", path, "python", "-c", script, `/data/${folder}`, ...args],
    );
    assert.equal(code, 0, stderr);
  };
  for (const fixture of FIXTURES) {
    const graph = fixturePath(fixture, "provenance.qg");
    for (const format of ["parquet", "csv", "ecsv"]) {
      await expectProvgraph(["export", graph, work.join(fixture), "--format", format]);
    }
    Deno.copyFileSync(graph, work.join(`${fixture}/graph.qg`));
    const root = await rootOf(graph);
    const document = work.join(`${fixture}/prov.json`);
    await expectProvgraph(["export", graph, root, document, "--limit", "1000000"]);
    await report.check(`export: ${fixture}: provenance`, () => python(PROV, fixture, root));
    await report.check(`export: ${fixture}: sums of tables`, () => python(SUMS, fixture));
    await report.check(`export: ${fixture}: queries`, () => python(QUERIES, fixture));
  }
}
