"""Run a program of the reference as a site would that has set it up otherwise than the oracle does.

    python site.py [OPTION...] -- make ARGS     make_repo.py
    python site.py [OPTION...] -- butler ARGS   the command "butler"

What it changes:

* ``make_repo.py`` gives the quantum-backed butler the dataset types of the pipeline, as ``pipetask run-qbb``
  does: without them, a dataset is written with the storage class of the task's connection, not with that
  with which it is registered.
* ``lsst.daf.base`` is there: the part of PropertySet that metadata need, written after its sources
  (``yaml.py`` and ``propertyContainerContinued.py`` of lsst/daf_base).

Options:

  --property-set NAME    register this dataset type as PropertySet before the graph is built
  --formatter KEY=CLASS  put a formatter into the repository's configuration
  --older-names          name files as releases before v30.0.8 did
  --instrument NAME      name of the instrument
  --universe VERSION     make the repository with an older dimension universe
"""

from __future__ import annotations

import argparse
import functools
import os
import sys
import types

import yaml


class PropertySet:
    """Properties by name: a type and one or more values, or another set."""

    def __init__(self) -> None:
        self._entries: dict[str, tuple[str, list]] = {}

    @classmethod
    def from_mapping(cls, metadata) -> PropertySet:
        result = cls()
        items = metadata if isinstance(metadata, dict) else metadata.to_dict()
        for name, value in items.items():
            if isinstance(value, dict):
                result._entries[name] = ("PropertySet", [cls.from_mapping(value)])
            else:
                values = value if isinstance(value, list) else [value]
                result._entries[name] = (_type_name(values), values)
        return result

    def paramNames(self, topLevelOnly: bool = True) -> list[str]:
        names = []
        for name, (kind, values) in self._entries.items():
            if kind != "PropertySet":
                names.append(name)
            elif not topLevelOnly:
                names.extend(f"{name}.{below}" for below in values[0].paramNames(False))
        return names

    def getArray(self, name: str) -> list:
        head, _, rest = name.partition(".")
        kind, values = self._entries[head]
        return values[0].getArray(rest) if rest else list(values)

    def state(self) -> list:
        return [
            [name, kind, values[0] if len(values) == 1 else values]
            for name, (kind, values) in self._entries.items()
        ]


def _type_name(values: list) -> str:
    match values[0]:
        case bool():
            return "Bool"
        case int():
            return "Int" if all(-(2**31) <= v < 2**31 for v in values) else "LongLong"
        case float():
            return "Double"
        case str():
            return "String"
    raise TypeError(type(values[0]))


def _represent(dumper, data):
    return dumper.represent_sequence("lsst.daf.base.PropertySet", data.state(), flow_style=None)


def _construct(loader, node):
    result = PropertySet()
    yield result
    for name, kind, value in loader.construct_sequence(node, deep=True):
        result._entries[name] = (kind, value if isinstance(value, list) else [value])


def install_daf_base() -> None:
    module = types.ModuleType("lsst.daf.base")
    PropertySet.__module__ = module.__name__
    module.PropertySet = PropertySet
    sys.modules[module.__name__] = module
    yaml.add_representer(PropertySet, _represent)
    for loader in (yaml.Loader, yaml.FullLoader, yaml.UnsafeLoader, yaml.SafeLoader):
        yaml.add_constructor("lsst.daf.base.PropertySet", _construct, Loader=loader)


def name_files_as_before() -> None:
    from lsst.daf.butler.datastore.file_templates import FileTemplate

    FileTemplate._special_fs_chars = str.maketrans({" ": "_"})


def make(args: list[str], site: argparse.Namespace) -> None:
    if os.environ.get("PYTHONHASHSEED") != "0":
        os.environ["PYTHONHASHSEED"] = "0"
        os.execv(sys.executable, [sys.executable, *sys.argv])
    import make_repo
    import lsst.daf.butler
    from lsst.daf.butler import DatasetType, DimensionConfig, QuantumBackedButler

    if site.instrument:
        make_repo.INSTRUMENT = site.instrument
    types_by_name: dict[str, DatasetType] = {}

    def execute(repo, qg, **kwargs):
        types_by_name.update((n.name, n.dataset_type) for n in qg.pipeline_graph.dataset_types.values())
        return original_execute(repo, qg, **kwargs)

    def initialize(repo, quantum, dimensions, **kwargs):
        return original_initialize(repo, quantum, dimensions, dataset_types=types_by_name, **kwargs)

    def add_dimension_records(butler, *args, **kwargs):
        result = original_records(butler, *args, **kwargs)
        for name in site.property_set:
            dimensions = butler.dimensions.conform(["visit", "detector"])
            butler.registry.registerDatasetType(DatasetType(name, dimensions, "PropertySet"))
        return result

    def add_older_records(butler, *args, **kwargs):
        universe = butler.dimensions
        registry_class = type(butler.registry)
        original_insert = registry_class.insertDimensionData

        def insert_known(registry, element, *rows):
            insert = functools.partial(original_insert, registry)
            if element not in universe.elements.names:
                return
            known = set(universe[element].RecordClass.fields.names)
            if element == "visit" and "visit_system" in known:
                insert("visit_system", {"instrument": rows[0]["instrument"], "id": 2, "name": "by-seq"})
                rows = [{**row, "visit_system": 2} for row in rows]
            key = universe[element].primaryKey.name if hasattr(universe[element], "primaryKey") else None
            insert(element, *({n: v for n, v in row.items() if n in known | {key, element}} for row in rows))

        registry_class.insertDimensionData = insert_known
        return add_dimension_records(butler, *args, **kwargs)

    class OlderCoordinate:
        @staticmethod
        def standardize(*, universe, **values):
            if "visit" in values and "visit_system" in universe["visit"].implied:
                values["visit_system"] = 2
            known = {name: v for name, v in values.items() if name in universe.dimensions}
            return lsst.daf.butler.DataCoordinate.standardize(known, universe=universe)

    def make_repository(root, config=None, **kwargs):
        if site.universe is not None:
            make_repo.DataCoordinate = OlderCoordinate
            kwargs["dimensionConfig"] = DimensionConfig(
                os.path.join(
                    os.path.dirname(lsst.daf.butler.__file__),
                    "configs/old_dimensions",
                    f"daf_butler_universe{site.universe}.yaml",
                )
            )
        for entry in site.formatter:
            key, _, name = entry.partition("=")
            config["datastore", "formatters", key] = name
        return original_make(root, config=config, **kwargs)

    original_execute, make_repo.execute = make_repo.execute, execute
    original_records = make_repo.add_dimension_records
    make_repo.add_dimension_records = add_dimension_records if site.universe is None else add_older_records
    original_initialize, QuantumBackedButler.initialize = QuantumBackedButler.initialize, initialize
    original_make, make_repo.Butler.makeRepo = make_repo.Butler.makeRepo, make_repository
    sys.argv = ["make_repo.py", *args]
    make_repo.main()


def butler(args: list[str]) -> None:
    from lsst.daf.butler.cli.butler import main

    sys.argv = ["butler", *args]
    sys.exit(main())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--property-set", action="append", default=[])
    parser.add_argument("--formatter", action="append", default=[])
    parser.add_argument("--older-names", action="store_true")
    parser.add_argument("--instrument")
    parser.add_argument("--universe", type=int)
    parser.add_argument("program", choices=["make", "butler"])
    parser.add_argument("args", nargs=argparse.REMAINDER)
    site = parser.parse_args()
    install_daf_base()
    if site.older_names:
        name_files_as_before()
    if site.program == "make":
        make(site.args, site)
    else:
        butler(site.args)


if __name__ == "__main__":
    main()
