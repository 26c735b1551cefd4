"""Where the program is."""

import os
import shutil
import sysconfig
from collections.abc import Iterator
from pathlib import Path

NAME = "provgraph"

VARIABLE = "PROVGRAPH_BINARY"
"""Names another program to run."""


def _candidates() -> Iterator[Path]:
    """Places where installers put scripts of this package, most certain first."""
    yield Path(sysconfig.get_path("scripts")) / NAME
    # "pip install --user"
    yield Path(sysconfig.get_path("scripts", sysconfig.get_preferred_scheme("user"))) / NAME
    package = Path(__file__).resolve().parent
    # "pip install --target DIR" makes DIR/bin, "--prefix DIR" makes DIR/lib/pythonX/site-packages.
    yield package.parent / "bin" / NAME
    for parent in list(package.parents)[2:5]:
        yield parent / "bin" / NAME


def find_binary() -> str:
    """Find the program.

    Returns
    -------
    path : `str`
        That of the variable ``PROVGRAPH_BINARY``, else that of this installation, else the first on
        ``PATH``.

    Raises
    ------
    FileNotFoundError
        Raised if there is none.
    """
    if given := os.environ.get(VARIABLE):
        if not os.access(given, os.X_OK):
            raise FileNotFoundError(f"{VARIABLE} names {given!r}, which is no program")
        return given
    for path in _candidates():
        if path.is_file() and os.access(path, os.X_OK):
            return str(path)
    if found := shutil.which(NAME):
        return found
    raise FileNotFoundError(f"the command {NAME!r} was not installed with this package; install it again")
