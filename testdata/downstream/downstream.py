"""Predicted graphs that take metadata, logs and configs of another RUN as inputs, and what executing them does.

    python downstream.py build REPO GRAPH       build before or after ingest-graph
    python downstream.py run REPO GRAPH OUT     execute all its quanta with quantum-backed butlers
"""
import json, os, sys
if os.environ.get("PYTHONHASHSEED") != "0":
    os.environ["PYTHONHASHSEED"] = "0"
    os.execv(sys.executable, [sys.executable, *sys.argv])
import oracle_tasks, logging
from make_repo import conn, OUTPUT_RUN, reproducible_uuids
from lsst.daf.butler import Butler, QuantumBackedButler
from lsst.daf.butler.logging import ButlerMDC
from lsst.pipe.base.all_dimensions_quantum_graph_builder import AllDimensionsQuantumGraphBuilder
from lsst.pipe.base.pipeline_graph import PipelineGraph
from lsst.pipe.base.quantum_graph import PredictedQuantumGraph
from lsst.pipe.base.single_quantum_executor import SingleQuantumExecutor

RUN = "u/oracle/next/20260703T000000Z"

def pipeline():
    g = PipelineGraph(); g.description = "downstream"
    def add(label, dims, **connections):
        c = oracle_tasks.OracleTaskConfig(); c.dimensions = dims
        for k, items in connections.items(): getattr(c, k).update(items)
        g.add_task(label, task_class=oracle_tasks.OracleTask, config=c)
    vd = ["visit", "detector"]
    add("gatherMetadata", ["visit"], inputs={"md": conn("calibrate_metadata", vd, "TaskMetadata", False, multiple=True)},
        outputs={"out": conn("metadata_summary", ["visit"], "StructuredDataDict", False)})
    add("readLog", vd, inputs={"log": conn("calibrate_log", vd, "ButlerLogRecords", False), "image": conn("image", vd, "StructuredDataDict", False)},
        outputs={"out": conn("log_summary", vd, "StructuredDataDict", False)})
    add("readConfig", ["visit"], inputs={"table": conn("source_visit", ["visit"], "ArrowAstropy", False)},
        prerequisite_inputs={"config": conn("calibrate_config", [], "Config", False)},
        outputs={"out": conn("config_summary", ["visit"], "StructuredDataDict", False)})
    add("plain", ["visit"], inputs={"table": conn("source_visit", ["visit"], "ArrowAstropy", False)},
        outputs={"out": conn("plain_summary", ["visit"], "StructuredDataDict", False)})
    return g

cmd, repo, graph = sys.argv[1:4]
logging.basicConfig(level=logging.INFO, filename="/data/downstream.log", filemode="a", force=True)
ButlerMDC.add_mdc_log_record_factory()
if cmd == "build":
    with reproducible_uuids(77), Butler.from_config(repo, writeable=True) as butler:
        b = AllDimensionsQuantumGraphBuilder(pipeline(), butler, input_collections=[OUTPUT_RUN, "inputs"], output_run=RUN)
        comp = b.finish(output="u/oracle/next", metadata={"comment": "oracle fixture"})
        comp.header.command = "downstream"; comp.header.user = "oracle"
        comp.write(graph)
        print(comp.header.n_task_quanta)
else:
    with PredictedQuantumGraph.open(graph) as r:
        r.read_all(); qg = r.finish()
    qg.build_execution_quanta()
    with qg.make_init_qbb(repo) as qbb: qg.init_output_run(qbb)
    ex = SingleQuantumExecutor(limited_butler_factory=lambda q: QuantumBackedButler.initialize(repo, q, qg.pipeline_graph.universe), assume_no_existing_outputs=True)
    x = qg.quantum_only_xgraph
    results = {}
    for label, quanta in qg.quanta_by_task.items():
        for d, q in sorted(quanta.items(), key=lambda i: i[0].full_values):
            info = x.nodes[q]
            try:
                out = ex.execute(info["pipeline_node"], info["quantum"], q)
                done = out.quantum if hasattr(out,"quantum") else out[0]
                md = out.task_metadata if hasattr(out,"task_metadata") else None
                r = "ok caveats=" + str(md["quantum"].get("caveats") if md is not None else "?")
            except BaseException as e:
                r = f"{type(e).__name__}: {str(e)[:160]}"
            results.setdefault(label, {}).setdefault(r, 0)
            results[label][r] += 1
    print(json.dumps(results, indent=1))
