"""provgraph from Python: run its commands, and read provenance as tables and log records.

    >>> import provgraph
    >>> provgraph.run("aggregate-graph", "predicted.qg", "repo", "-o", "provenance.qg")
    >>> provgraph.table("provenance.qg", "quanta", status="FAILED", format="astropy")
    >>> provgraph.log("provenance.qg", "019f1af9-b4f6-7645-91be-34eb1e39ef8e")

All of it is done by the program that this package installs as the command ``provgraph``.
"""

from ._binary import find_binary
from ._read import log, table
from ._run import ProvgraphError, run
from ._version import __version__

__all__ = ("ProvgraphError", "__version__", "find_binary", "log", "run", "table")
