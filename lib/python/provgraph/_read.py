"""Provenance as tables and log records."""

import json
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

from ._run import json_lines, run as run_command

Kind = Literal["quanta", "datasets", "attempts", "edges", "resources"]
Format = Literal["arrow", "pandas", "astropy", "rows"]

MESSAGE_TYPES = {"quanta": "quantum", "datasets": "dataset"}

EXPORTED = ("attempts", "edges", "resources")
"""Kinds that ``export`` alone knows."""


def _exported(source: str, kind: str, options: list[str], format: str) -> Any:
    """A table of ``export``: by Parquet, which has types, or as rows, where times are text."""
    by_rows = format in ("rows", "astropy")
    with tempfile.TemporaryDirectory(prefix="provgraph-") as folder:
        path = Path(folder) / ("table.ndjson" if by_rows else "table.parquet")
        run_command("export", source, path, "--table", kind, *options, capture_output=True)
        if by_rows:
            with open(path, encoding="utf-8") as stream:
                return FORMATS[format]([json.loads(line) for line in stream])
        import pyarrow.parquet

        table = pyarrow.parquet.read_table(path)
    return table if format == "arrow" else table.to_pandas()


def _read_rows(source: str, kind: Kind, options: list[str]) -> list[dict[str, Any]]:
    """Rows of a listing. The only place that knows how they are had: JSON lines of ``ls``."""
    lines = json_lines("ls", source, kind, "--json", *options)
    rows = [line for line in lines if line.pop("message_type") == MESSAGE_TYPES[kind]]
    return [_flattened(row) for row in rows]


def _flattened(row: dict[str, Any]) -> dict[str, Any]:
    """The dimensions of a data ID as columns of their own, in its place."""
    flat: dict[str, Any] = {}
    for key, value in row.items():
        if key == "data_id":
            flat.update({name if name not in row else f"data_id.{name}": v for name, v in value.items()})
        else:
            flat[key] = value
    return flat


def _columns(rows: list[dict[str, Any]]) -> dict[str, list[Any]]:
    """Columns of rows, in the order in which they first appear; missing values are `None`."""
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: [row.get(name) for row in rows] for name in names}


def table(
    source: str | os.PathLike[str],
    kind: Kind = "quanta",
    *,
    run: str | None = None,
    task: str | Iterable[str] = (),
    status: str | Iterable[str] = (),
    where: str | None = None,
    limit: int | None = None,
    format: Format = "arrow",
) -> Any:
    """Read quanta or datasets as a table.

    Parameters
    ----------
    source : `str` or path
        Quantum graph (path or URL), chunk log or butler repository.
    kind : `str`, optional
        ``"quanta"`` or ``"datasets"``; or ``"attempts"``, ``"edges"`` or ``"resources"``, of which all rows
        are read, with the columns and types that ``export`` gives them.
    run : `str`, optional
        RUN collection, if ``source`` is a repository.
    task, status : `str` or iterable, optional
        Only rows of these tasks, and of these statuses.
    where : `str`, optional
        An expression: ``"visit=1228 and detector in (1, 2)"``.
    limit : `int`, optional
        So many rows at most.
    format : `str`, optional
        ``"arrow"`` (`pyarrow.Table`), ``"pandas"`` (`pandas.DataFrame`), ``"astropy"``
        (`astropy.table.Table`, missing values masked) or ``"rows"`` (a `list` of `dict`, which needs no
        other package).

    Returns
    -------
    table
        A row for each quantum or dataset; the dimensions of data IDs are columns. Times are ISO 8601
        text, durations seconds, memory bytes.

    Raises
    ------
    ProvgraphError
        Raised if the source can't be read.
    ValueError
        Raised if there is no such kind or format.
    ModuleNotFoundError
        Raised if the package of the format isn't installed.
    """
    kinds = (*MESSAGE_TYPES, *EXPORTED)
    if kind not in kinds:
        raise ValueError(f"no kind {kind!r}; there are: {', '.join(kinds)}")
    if format not in FORMATS:
        raise ValueError(f"no format {format!r}; there are: {', '.join(FORMATS)}")
    options = [] if run is None else ["--run", run]
    if kind in EXPORTED:
        if task or status or where is not None or limit is not None:
            raise ValueError(f"all {kind} are read; select rows of the table")
        return _exported(os.fspath(source), kind, options, format)
    for name, values in (("--task", task), ("--status", status)):
        for value in [values] if isinstance(values, str) else values:
            options += [name, value]
    if where is not None:
        options += ["--where", where]
    if limit is not None:
        options += ["--limit", str(limit)]
    return FORMATS[format](_read_rows(os.fspath(source), kind, options))


def _arrow(rows: list[dict[str, Any]]) -> Any:
    import pyarrow

    return pyarrow.table(_columns(rows))


def _pandas(rows: list[dict[str, Any]]) -> Any:
    import pandas

    return pandas.DataFrame(_columns(rows))


def _astropy(rows: list[dict[str, Any]]) -> Any:
    import numpy
    from astropy.table import MaskedColumn, Table

    result = Table()
    for name, values in _columns(rows).items():
        filled = next((value for value in values if value is not None), "")
        if isinstance(filled, (list, dict)):
            column = numpy.empty(len(values), dtype=object)
            column[:] = values
            result[name] = column
            continue
        empty = type(filled)()
        result[name] = MaskedColumn(
            [empty if value is None else value for value in values],
            mask=[value is None for value in values],
        )
    return result


FORMATS = {"arrow": _arrow, "pandas": _pandas, "astropy": _astropy, "rows": list}


def log(
    source: str | os.PathLike[str],
    id: str | UUID,
    *,
    run: str | None = None,
    attempt: int | None = None,
    all_attempts: bool = False,
    **data_id: int | str,
) -> list[dict[str, Any]]:
    """Read the log of one quantum.

    Parameters
    ----------
    source : `str` or path
        Quantum graph (path or URL), chunk log or butler repository.
    id : `str` or `uuid.UUID`
        UUID of the quantum or of its log, or the label of a task, whose quantum ``data_id`` tells.
    run : `str`, optional
        RUN collection, if ``source`` is a repository.
    attempt : `int`, optional
        Which attempt, from 0, or from the end: -1; the last by default.
    all_attempts : `bool`, optional
        Whether the records of all attempts are read, the oldest first.
    **data_id : `int` or `str`
        Dimensions, with a label: ``log(repo, "calibrate", visit=101, detector=2)``.

    Returns
    -------
    records : `list` [`dict`]
        Log records with the members of `lsst.daf.butler.logging.ButlerLogRecord`; with
        ``all_attempts`` also ``attempt``.

    Raises
    ------
    ProvgraphError
        Raised if there is no such log.
    """
    options = [] if run is None else ["--run", run]
    if attempt is not None:
        options.append(f"--attempt={attempt}")
    if all_attempts:
        options.append("--all-attempts")
    words = [str(id), *(f"{name}={value}" for name, value in data_id.items())]
    lines = json_lines("cat", os.fspath(source), "log", *words, "--format", "ndjson", *options)
    return [{"attempt": line["attempt"], **line["record"]} for line in lines] if all_attempts else lines
