"""Running the program."""

import json
import os
import subprocess
from typing import Any

from ._binary import find_binary

DONE = 0
FINISHED_WITH_PROBLEMS = 3


class ProvgraphError(RuntimeError):
    """A command failed.

    Attributes
    ----------
    code : `int`
        Exit code: 1, trying again may help; 2, it will not, and nothing was changed; 3, finished, with
        something listed; 128 + N, ended by signal N.
    stderr : `str` or `None`
        What the command wrote there, if that was captured.
    """

    def __init__(self, message: str, code: int, stderr: str | None = None):
        super().__init__(message)
        self.code = code
        self.stderr = stderr


def run(
    *args: str | os.PathLike[str],
    check: bool = True,
    capture_output: bool = False,
    env: dict[str, str] | None = None,
    cwd: str | os.PathLike[str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a command and wait for it.

    Parameters
    ----------
    *args : `str` or path
        Command and options: ``run("ingest-graph", repo, graph)``.
    check : `bool`, optional
        Whether to raise unless the exit code is 0 or 3: a run with broken files is recorded, and the
        caller sees ``returncode``.
    capture_output : `bool`, optional
        Whether ``stdout`` and ``stderr`` of the result hold the output, instead of those of this process.
    env : `dict` or `None`, optional
        The environment; that of this process by default.
    cwd : path or `None`, optional
        The working directory.

    Raises
    ------
    ProvgraphError
        Raised if ``check`` and the command fails.
    FileNotFoundError
        Raised if the program isn't installed.
    """
    command = [find_binary(), *map(os.fspath, args)]
    result = subprocess.run(command, capture_output=capture_output, text=True, env=env, cwd=cwd)
    if result.returncode < 0:
        # As a shell says it.
        result.returncode = 128 - result.returncode
    if check and result.returncode not in (DONE, FINISHED_WITH_PROBLEMS):
        raise _error(command, result.returncode, result.stderr)
    return result


def _error(command: list[str], code: int, stderr: str | None) -> ProvgraphError:
    """The error for a command that failed, in its own last words where there are any."""
    lines = (stderr or "").strip().splitlines()
    message = f"provgraph {' '.join(command[1:])} ended with exit code {code}"
    if lines:
        try:
            told = json.loads(lines[-1])
            reasons = [told["message"], told.get("hint")]
        except (ValueError, TypeError, KeyError):
            reasons = lines[-5:]
        message = "\n".join([message, *filter(None, reasons)])
    return ProvgraphError(message, code, stderr)


def json_lines(*args: str) -> list[dict[str, Any]]:
    """Run a command with ``--json`` and parse the lines that it prints.

    Raises
    ------
    ProvgraphError
        Raised if the command fails.
    """
    printed = run(*args, capture_output=True).stdout
    return [json.loads(line) for line in printed.splitlines() if line]
