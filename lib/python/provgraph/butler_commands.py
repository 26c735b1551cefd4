"""Commands of ``butler``: ``provgraph-aggregate`` and ``provgraph-ingest``.

With ``PROVGRAPH_REPLACE=1`` in the environment, ``aggregate-graph`` and ``ingest-graph`` are done by
provgraph as well, with the same words on the command line and our exit codes. The butler refuses two
commands of one name, so the reference's own are made to hand over.

All that follows the name of a command is handed to the program as it is, its ``--help`` included.
"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import click
from click.core import ParameterSource

from ._binary import find_binary

__all__ = ("get_commands", "provgraph_aggregate", "provgraph_ingest")

REPLACE_VARIABLE = "PROVGRAPH_REPLACE"
PLUGINS_VARIABLE = "DAF_BUTLER_PLUGINS"

GLOBAL_FLAGS = {
    "long_log": ("--long-log", None),
    "log_tty": ("--log-tty", "--no-log-tty"),
    "progress": ("--progress", "--no-progress"),
}
"""Options of ``butler`` itself without a value: what is said if they are set, and if not."""


def _global_words(context: click.Context) -> list[str]:
    """Options that were given to ``butler`` before the name of the command."""
    parent = context.parent
    if parent is None:
        return []

    def given(name: str) -> Any:
        is_given = parent.get_parameter_source(name) is ParameterSource.COMMANDLINE
        return parent.params.get(name) if is_given else None

    words: list[str] = []
    for name, (yes, no) in GLOBAL_FLAGS.items():
        value = given(name)
        if value is not None and (word := yes if value else no) is not None:
            words.append(word)
    for component, level in dict(given("log_level") or {}).items():
        # None is the butler's own loggers, which are ours; "" and "." are all.
        words += ["--log-level", level if component is None else f"{component or '.'}={level}"]
    for path in given("log_file") or ():
        words += ["--log-file", path]
    for key, value in dict(given("log_label") or {}).items():
        words += ["--log-label", f"{key}={value}"]
    return words


def _execute(command: str, context: click.Context) -> None:
    """Become the program, so that signals and exit codes are its own."""
    try:
        binary = find_binary()
    except FileNotFoundError as error:
        raise click.ClickException(str(error)) from None
    words = [binary, *_global_words(context), command, *context.args]
    if sys.stdout is sys.__stdout__ and sys.stderr is sys.__stderr__:
        sys.stdout.flush()
        sys.stderr.flush()
        os.execv(binary, words)
    # Somebody reads what the command prints: click's runner of tests.
    result = subprocess.run(words, capture_output=True, text=True)
    click.echo(result.stdout, nl=False)
    click.echo(result.stderr, nl=False, err=True)
    context.exit(result.returncode if result.returncode >= 0 else 128 - result.returncode)


def _hand_over(command: click.Command, name: str) -> None:
    """Let the program do what a command does, options included."""

    def parse_args(context: click.Context, args: list[str]) -> list[str]:
        context.args = list(args)
        return context.args

    def invoke(context: click.Context) -> None:
        _execute(name, context)

    command.parse_args = parse_args  # type: ignore[method-assign]
    command.invoke = invoke  # type: ignore[method-assign]


provgraph_aggregate = click.Command(
    "provgraph-aggregate",
    short_help="Scan for the outputs of a quantum graph (provgraph).",
)
_hand_over(provgraph_aggregate, "aggregate-graph")

provgraph_ingest = click.Command(
    "provgraph-ingest",
    short_help="Ingest a provenance quantum graph into a butler (provgraph).",
)
_hand_over(provgraph_ingest, "ingest-graph")


def _replace_reference() -> None:
    """Let the commands of pipe_base hand over to the program."""
    try:
        from lsst.pipe.base.cli.cmd import aggregate_graph, ingest_graph
    except ImportError as error:
        click.echo(f"Cannot replace commands of lsst.pipe.base: {error}", err=True)
        return
    _hand_over(aggregate_graph, "aggregate-graph")
    _hand_over(ingest_graph, "ingest-graph")


def _is_named_in_plugins() -> bool:
    """Whether the butler finds the commands by their file: found twice, it refuses all of them."""
    own = os.path.realpath(os.path.join(os.path.dirname(__file__), "resources.yaml"))
    paths = os.environ.get(PLUGINS_VARIABLE, "").split(":")
    return own in {os.path.realpath(path.removeprefix("file://")) for path in paths if path}


def get_commands() -> list[click.Command]:
    """Commands that this package adds to the butler; the entry point of group ``butler.cli``."""
    if os.environ.get(REPLACE_VARIABLE, "") not in ("", "0"):
        _replace_reference()
    return [] if _is_named_in_plugins() else [provgraph_aggregate, provgraph_ingest]
