"""Run the reference's provenance-report on every case of cases.json.

    python make_golden.py FIXTURES OUTPUT

FIXTURES holds <graph>/provenance.qg (rare-states: see make_rare_states.py);
OUTPUT gets <case>/stdout.txt and <case>/files/ with what the command wrote.
"""

import json
import pathlib
import subprocess
import sys

fixtures, output = (pathlib.Path(arg).resolve() for arg in sys.argv[1:])
cases = json.loads((pathlib.Path(__file__).parent / "cases.json").read_text())
for name, case in cases.items():
    files = output / name / "files"
    files.mkdir(parents=True)
    graph = fixtures / case["graph"] / "provenance.qg"
    done = subprocess.run(
        ["butler", "provenance-report", *case["arguments"], str(graph)], cwd=files, check=True, capture_output=True
    )
    (output / name / "stdout.txt").write_bytes(done.stdout)
    if not any(files.iterdir()):
        files.rmdir()
