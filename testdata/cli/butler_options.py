"""Print the options of the reference's commands as JSON. Run with the oracle's Python."""

import json

import click
from lsst.daf.butler.cli.butler import cli

COMMANDS = ["aggregate-graph", "ingest-graph", "provenance-report"]


def options(command: click.Command) -> list[dict]:
    """Return names, values and repetition of each option of a command."""
    result = []
    for param in command.params:
        if not isinstance(param, click.Option):
            continue
        choices = None
        if isinstance(param.type, click.Choice):
            choices = [getattr(choice, "name", choice) for choice in param.type.choices]
        result.append(
            {
                "names": list(param.opts),
                "off_names": list(param.secondary_opts),
                "is_flag": bool(param.is_flag),
                "is_repeatable": bool(param.multiple),
                "type": param.type.name,
                "choices": choices,
            }
        )
    result.append({**HELP, "names": cli.get_help_option_names(click.Context(cli))})
    return result


HELP = {"off_names": [], "is_flag": True, "is_repeatable": False, "type": "boolean", "choices": None}
context = click.Context(cli)
golden = {"butler": options(cli)}
for name in COMMANDS:
    golden[name] = options(cli.get_command(context, name))
print(json.dumps(golden, indent=1))
