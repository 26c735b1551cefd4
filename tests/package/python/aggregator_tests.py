"""Runs the reference's own tests of its aggregator with the plug-in in its place.

    aggregator_tests.py test_aggregator.py

The tests call functions of the package; here these start ``butler aggregate-graph`` and ``butler
ingest-graph`` as processes, with ``PROVGRAPH_REPLACE=1``: what they check is then our work. The last line
is "N passed, N failed".
"""

import importlib.util
import os
import subprocess
import sys
import unittest

from lsst.pipe.base.quantum_graph.aggregator import AggregatorConfig, FatalWorkerError

FLAGS = {
    "incomplete": ("--incomplete", "--complete"),
    "register_dataset_types": ("--register-dataset-types", "--no-register-dataset-types"),
    "update_output_chain": ("--update-output-chain", "--no-update-output-chain"),
    "dry_run": ("--dry-run", None),
    "promise_ingest_graph": ("--promise-ingest-graph", "--no-promise-ingest-graph"),
}
VALUES = {
    "output_path": "--output",
    "n_processes": "--processes",
    "zstd_level": "--zstd-level",
    "zstd_dict_size": "--zstd-dict-size",
    "zstd_dict_n_inputs": "--zstd-dict-n-inputs",
    "worker_log_dir": "--worker-log-dir",
}

NEEDS_DATA = {"test_bad_metadata_readable"}

n_calls = 0


def run_butler(*args: str) -> None:
    """Run the butler with the plug-in, as a stock BPS line does.

    Raises
    ------
    FatalWorkerError
        Raised if it fails, as the function of the reference does.
    """
    global n_calls
    n_calls += 1
    environment = {**os.environ, "PROVGRAPH_REPLACE": "1"}
    result = subprocess.run(["butler", *args], env=environment, capture_output=True, text=True)
    if "provgraph." not in result.stderr and "error: " not in result.stderr:
        raise AssertionError(f"not done by provgraph: {result.stderr[-500:]}")
    if result.returncode != 0:
        raise FatalWorkerError(f"exit code {result.returncode}\n{result.stderr[-1500:]}")


def aggregate_graph(predicted_graph: str, butler: str, config: AggregatorConfig) -> None:
    """As the function of the reference of this name."""
    words = [yes if getattr(config, name) else no for name, (yes, no) in FLAGS.items()]
    for name, option in VALUES.items():
        if (value := getattr(config, name)) is not None:
            words += [option, str(value)]
    # The process of the tests has mock storage classes, and says so to nobody.
    words.append("--mock-storage-classes")
    run_butler("aggregate-graph", predicted_graph, butler, *filter(None, words))


def ingest_graph(
    butler: str,
    provenance_graph: str | None = None,
    *,
    transfer: str | None = "move",
    batch_size: int = 10000,
    output_run: str | None = None,
) -> None:
    """As the function of the reference of this name."""
    words = [] if provenance_graph is None else [provenance_graph]
    if transfer is not None:
        words += ["--transfer", transfer]
    if output_run is not None:
        words += ["--output-run", output_run]
    run_butler("ingest-graph", butler, *words, "--batch-size", str(batch_size))


def main(path: str) -> int:
    spec = importlib.util.spec_from_file_location("test_aggregator", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    module.aggregate_graph = aggregate_graph
    module.ingest_graph = ingest_graph
    suite = unittest.defaultTestLoader.loadTestsFromTestCase(module.AggregatorTestCase)
    if not os.path.exists(os.path.join(os.path.dirname(path), "data")):
        # It only reads a file that the package's sources don't bring along.
        suite = unittest.TestSuite(t for t in suite if t.id().rpartition(".")[2] not in NEEDS_DATA)
    result = unittest.TextTestRunner(verbosity=2).run(suite)
    n_failed = len(result.failures) + len(result.errors)
    print(f"{n_calls} calls of the butler")
    if n_calls == 0:
        n_failed += 1
    print(f"{result.testsRun - n_failed} passed, {n_failed} failed")
    return 1 if n_failed > 0 else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
