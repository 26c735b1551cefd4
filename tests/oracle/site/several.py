"""Runs several of the oracle's scripts in one interpreter, most of whose time goes into imports.

    python several.py JSON

JSON is a list of command lines, each the path of a script and its arguments. Prints a list of what each
has printed.
"""

import contextlib
import io
import json
import runpy
import sys


def run(command: list[str]) -> str:
    out = io.StringIO()
    sys.argv = command
    with contextlib.redirect_stdout(out):
        runpy.run_path(command[0], run_name="__main__")
    return out.getvalue()


if __name__ == "__main__":
    print(json.dumps([run(command) for command in json.loads(sys.argv[1])]))
