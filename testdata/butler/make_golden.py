"""Ask the reference about universes, configurations, formatters and paths; write the answers as JSON.

    run-oracle.sh python make_golden.py OUTPUT_DIRECTORY

Needs the reference's packages (see ORIGIN.md). Only this file's JSON output is used by tests.
"""

import json
import os
import shutil
import sys
import tempfile
import uuid

import yaml

import lsst.daf.butler
from lsst.daf.butler import (
    Butler,
    ButlerConfig,
    Config,
    DataCoordinate,
    DatasetRef,
    DatasetType,
    Datastore,
    DimensionConfig,
    DimensionUniverse,
    FormatterFactory,
)
from lsst.daf.butler.registry.connectionString import ConnectionStringFactory
from lsst.daf.butler.registry import RegistryConfig
from lsst.daf.butler.tests import DummyRegistry
from lsst.utils.introspection import get_full_type_name

CONFIGS = os.path.join(os.path.dirname(lsst.daf.butler.__file__), "configs")
OLD_VERSIONS = tuple(range(8))


def write(directory, name, value):
    with open(os.path.join(directory, name), "w") as file:
        json.dump(value, file, indent=1)
        file.write("\n")


# --- universes ---------------------------------------------------------------------------------

GROUPS = [
    [],
    ["visit", "detector"],
    ["exposure", "detector"],
    ["visit"],
    ["patch", "band"],
    ["patch", "visit"],
    ["tract"],
    ["physical_filter", "detector"],
    ["patch", "physical_filter"],
    ["subfilter", "tract"],
    ["htm7", "visit"],
    ["healpix9", "band"],
    ["visit", "exposure"],
    ["group", "detector"],
    ["day_obs"],
    ["visit_system", "visit"],
    ["htm7", "healpix3"],
    ["instrument", "skymap"],
    ["ssp_hypothesis_bundle"],
    ["ssp_balanced_index", "ssp_hypothesis_table"],
]


def describe_universe(universe):
    elements = {}
    for element in universe.elements:
        if element.name[:3] == "htm" or element.name[:7] == "healpix":
            continue
        columns = [c.name for c in element.alternate_keys] if hasattr(element, "alternate_keys") else []
        known = set(columns)
        fields = element.RecordClass.fields.standard.names
        skip = set(element.required.names) | set(element.implied.names)
        if hasattr(element, "primaryKey"):
            skip.add(element.primaryKey.name)
        columns = [n for n in fields if n not in skip]
        if element.spatial:
            columns.append("region")
        if element.temporal:
            columns.append("timespan")
        elements[element.name] = {
            "required": list(element.required.names),
            "implied": list(element.implied.names),
            "columns": columns,
            "hasTable": element.has_own_table,
            "primaryKey": element.primaryKey.name if hasattr(element, "primaryKey") else None,
            "isGovernor": element in universe.governor_dimensions,
        }
    groups = []
    for names in GROUPS:
        if any(name not in universe.dimensions.names for name in names):
            groups.append({"given": names, "error": True})
            continue
        group = universe.conform(names)
        groups.append(
            {
                "given": names,
                "names": list(group.names),
                "required": list(group.required),
                "implied": list(group.implied),
                "governors": list(group.governors),
            }
        )
    return {
        "version": universe.version,
        "order": [e.name for e in universe.elements],
        "elements": elements,
        "groups": groups,
    }


def make_universes(output):
    described = [describe_universe(DimensionUniverse())]
    for version in OLD_VERSIONS:
        with open(os.path.join(CONFIGS, "old_dimensions", f"daf_butler_universe{version}.yaml")) as file:
            text = json.dumps(yaml.safe_load(file))
        universe = DimensionUniverse(DimensionConfig.fromString(text, format="json"))
        described.append(describe_universe(universe))
        with open(os.path.join(output, f"universe_v{version}.json"), "w") as file:
            file.write(text + "\n")
    write(output, "dimensions.json", described)


# --- configurations ----------------------------------------------------------------------------

MINIMAL = """
datastore:
  cls: lsst.daf.butler.datastores.fileDatastore.FileDatastore
  records: {table: file_datastore_records}
  root: <butlerRoot>
registry:
  db: sqlite:///<butlerRoot>/gen3.sqlite3
"""
TEMPLATE = "{run:/}/{datasetType}/{instrument:?}_{visit:?}_{run}"

# In texts, TOPDIR stands for the directory that all paths start from.
CONFIG_CASES = [
    {"name": "minimal", "files": {"repo/butler.yaml": MINIMAL}, "argument": "TOPDIR/repo"},
    {"name": "file", "files": {"repo/other.yaml": MINIMAL}, "argument": "TOPDIR/repo/other.yaml"},
    {"name": "nothing configured", "files": {"repo/butler.yaml": "{}"}, "argument": "TOPDIR/repo"},
    {"name": "empty file", "files": {"repo/butler.yaml": ""}, "argument": "TOPDIR/repo/"},
    {
        "name": "json",
        "files": {"repo/butler.json": json.dumps(yaml.safe_load(MINIMAL))},
        "argument": "TOPDIR/repo/butler.json",
    },
    {"name": "root elsewhere", "files": {"repo/butler.yaml": MINIMAL + "root: TOPDIR/data/x\n"}, "argument": "TOPDIR/repo"},
    {
        "name": "root as URI",
        "files": {"repo/butler.yaml": MINIMAL + "root: file://TOPDIR/data%20x/\n"},
        "argument": "TOPDIR/repo",
    },
    {
        "name": "absolute datastore root",
        "files": {"repo/butler.yaml": "datastore: {root: TOPDIR/ds}\n"},
        "argument": "TOPDIR/repo",
    },
    {
        "name": "datastore name and flags",
        "files": {"repo/butler.yaml": "datastore: {name: site, checksum: true, create: false, root: '<butlerRoot>/.'}\n"},
        "argument": "TOPDIR/repo",
    },
    {
        "name": "records table",
        "files": {"repo/butler.yaml": "datastore: {records: {table: other_records}}\n"},
        "argument": "TOPDIR/repo",
    },
    {
        "name": "alias in environment",
        "files": {"repo/butler.yaml": MINIMAL},
        "env": {"DAF_BUTLER_REPOSITORIES": "{main: TOPDIR/repo, other: /nowhere}"},
        "argument": "main",
    },
    {
        "name": "alias in index file, URI",
        "files": {"my repo/butler.yaml": MINIMAL, "index.yaml": "main: 'file://TOPDIR/my%20repo'\n"},
        "env": {"DAF_BUTLER_REPOSITORY_INDEX": "TOPDIR/index.yaml"},
        "argument": "main",
    },
    {
        "name": "both alias sources disable aliasing",
        "files": {"repo/butler.yaml": MINIMAL, "index.yaml": "main: TOPDIR/repo\n"},
        "env": {"DAF_BUTLER_REPOSITORIES": "main: TOPDIR/repo", "DAF_BUTLER_REPOSITORY_INDEX": "TOPDIR/index.yaml"},
        "argument": "main",
    },
    {
        "name": "malformed alias index disables aliasing",
        "files": {"repo/butler.yaml": MINIMAL},
        "env": {"DAF_BUTLER_REPOSITORIES": "[1, 2]"},
        "argument": "TOPDIR/repo",
    },
    {"name": "missing", "files": {}, "argument": "TOPDIR/none"},
    {"name": "missing file", "files": {"repo/x": ""}, "argument": "TOPDIR/repo/none.yaml"},
    {"name": "not yaml", "files": {"repo/butler.yaml": "a: [1, 2"}, "argument": "TOPDIR/repo"},
    {"name": "extension", "files": {"repo/butler.txt": MINIMAL}, "argument": "TOPDIR/repo/butler.txt"},
    {
        "name": "config path: flat, single and double nesting, priorities",
        "files": {
            "repo/butler.yaml": MINIMAL + "  namespace: own\n",
            "a/datastores/fileDatastore.yaml": "templates: {t1: 'A/" + TEMPLATE + "', t2: 'A/" + TEMPLATE + "'}\n",
            "b/datastores/fileDatastore.yaml": "datastore: {datastore: {templates: {t2: 'B/"
            + TEMPLATE
            + "', t3: 'B/"
            + TEMPLATE
            + "'}, checksum: true, create: false}}\n",
            "b/registry.yaml": "registry: {namespace: site}\n",
            "a/storageClasses.yaml": "{}\n",
        },
        "env": {"DAF_BUTLER_CONFIG_PATH": "TOPDIR/a:TOPDIR/b:TOPDIR/none"},
        "argument": "TOPDIR/repo",
    },
    {
        "name": "config path: datastore.yaml is below the class's defaults",
        "files": {
            "repo/butler.yaml": MINIMAL,
            "a/datastore.yaml": "datastore: {templates: {default: '" + TEMPLATE + "', t1: '" + TEMPLATE + "'}, checksum: true}\n",
            "a/registry.yaml": "db: sqlite:////elsewhere/x.sqlite3\nnamespace: site\n",
        },
        "env": {"DAF_BUTLER_CONFIG_PATH": "TOPDIR/a"},
        "argument": "TOPDIR/repo",
    },
    {
        "name": "include: scalar, list and mapping, relative to the including file",
        "files": {
            "repo/butler.yaml": "datastore: !include sub/datastore.yaml\n",
            "repo/sub/datastore.yaml": "templates: !include t.yaml\nconstraints:\n  accept: !include {}\n".replace(
                "  accept: !include {}\n", "  reject: !include r.yaml\n"
            )
            + "composites: !include {disassembled: c.yaml}\n",
            "repo/sub/t.yaml": "t1: '" + TEMPLATE + "'\n",
            "repo/sub/r.yaml": "[a, b]\n",
            "repo/sub/c.yaml": "{NumpyArray: true}\n",
        },
        "argument": "TOPDIR/repo",
    },
    {
        "name": "include nests the component again",
        "files": {
            "repo/butler.yaml": "datastore: !include datastore.yaml\n",
            "repo/datastore.yaml": "datastore: {templates: {t1: '" + TEMPLATE + "'}}\n",
        },
        "argument": "TOPDIR/repo",
    },
    {
        "name": "include missing",
        "files": {"repo/butler.yaml": "datastore: !include none.yaml\n"},
        "argument": "TOPDIR/repo",
    },
    {
        "name": "includeConfigs: list, explicit values win, variables",
        "files": {
            "repo/butler.yaml": "includeConfigs: [one.yaml, '${SITE}/two.yaml']\ndatastore: {templates: {t1: 'own/"
            + TEMPLATE
            + "'}}\n",
            "repo/one.yaml": "datastore: {templates: {t1: 'one/" + TEMPLATE + "', t2: 'one/" + TEMPLATE + "', t3: 'one/" + TEMPLATE + "'}}\n",
            "site/two.yaml": "datastore: {templates: {t2: 'two/" + TEMPLATE + "', t4: 'two/" + TEMPLATE + "'}, checksum: true}\n",
        },
        "env": {"SITE": "TOPDIR/site"},
        "argument": "TOPDIR/repo",
    },
    {
        "name": "includeConfigs below the top",
        "files": {
            "repo/butler.yaml": "datastore:\n  includeConfigs: ds.yaml\n  checksum: false\n",
            "repo/ds.yaml": "checksum: true\nname: included\n",
        },
        "argument": "TOPDIR/repo",
    },
    {
        "name": "lists are replaced, scalars become mappings, yes is true",
        "files": {
            "repo/butler.yaml": "datastore: {checksum: yes, constraints: {accept: [a]}, formatters: {int: {formatter: x.Y}, Packages: x.Z}}\n",
            "a/datastores/fileDatastore.yaml": "constraints: {accept: [b, c], reject: [d]}\n",
        },
        "env": {"DAF_BUTLER_CONFIG_PATH": "TOPDIR/a"},
        "argument": "TOPDIR/repo",
        "noDatastore": True,
    },
    {
        "name": "repeated keys, merge keys, anchors",
        "files": {
            "repo/butler.yaml": "base: &b {checksum: true, name: n1}\ndatastore: {<<: *b, name: n2, name: n3}\n",
        },
        "argument": "TOPDIR/repo",
    },
    {
        "name": "postgresql, parts filled in",
        "files": {
            "repo/butler.yaml": "registry: {db: 'postgresql://host/db', username: 'me', password: 'a b', port: 5433, namespace: ns, host: unused}\n",
        },
        "argument": "TOPDIR/repo",
    },
    {
        "name": "postgresql with driver and options",
        "files": {
            "repo/butler.yaml": "registry: {db: 'postgresql+psycopg2://u:p%20w@host:1/db?sslmode=require'}\n",
        },
        "argument": "TOPDIR/repo",
    },
    {
        "name": "sqlite, relative path",
        "files": {"repo/butler.yaml": "registry: {db: 'sqlite:////abs/x.sqlite3'}\n"},
        "argument": "TOPDIR/repo",
    },
]


def configuration(case, top):
    def fill(text):
        return text.replace("TOPDIR", top)

    for name, text in case["files"].items():
        path = os.path.join(top, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as file:
            file.write(fill(text))
    for name, value in case.get("env", {}).items():
        os.environ[name] = fill(value)
    try:
        config = ButlerConfig(fill(case["argument"]))
        root = config.get("root", config.configDir)
        registry = RegistryConfig(config)
        registry.replaceRoot(root)
        url = ConnectionStringFactory.fromConfig(registry)
        result = {
            "configPath": config.configFile.ospath,
            "url": url.render_as_string(hide_password=False),
            "databasePath": url.database if url.get_backend_name() == "sqlite" else None,
            "namespace": registry.get("namespace"),
            "managers": Config(registry["managers"]).toDict(),
        }
        if not case.get("noDatastore"):
            datastore = Datastore.fromConfig(
                config, bridgeManager=DummyRegistry().getDatastoreBridgeManager(), butlerRoot=root
            )
            result |= {"datastoreName": datastore.name, "datastoreRoot": datastore.root.ospath.rstrip("/")}
        merged = config["datastore"].toDict()
        merged["formatters"].pop("write_recipes")
        if merged["formatters"]["default"] == {
            "lsst.obs.base.formatters.fitsExposure.FitsExposureFormatter": {"recipe": "default"}
        }:
            merged["formatters"].pop("default")
        merged["composites"]["disassembled"].pop("__null__")
        result |= {
            key: merged.get(key)
            for key in ("checksum", "create", "templates", "formatters", "composites", "constraints")
        }
        result["recordsTable"] = merged["records"]["table"]
        return json.loads(json.dumps(result).replace(top, "TOPDIR"))
    except Exception as error:
        return {"error": type(error).__name__, "message": str(error).replace(top, "TOPDIR")[:200]}
    finally:
        for name in case.get("env", {}):
            del os.environ[name]


def make_configurations(output):
    result = []
    for case in CONFIG_CASES:
        with tempfile.TemporaryDirectory() as top:
            expected = configuration(case, os.path.realpath(top))
        result.append(
            {
                "name": case["name"],
                "files": case["files"],
                "env": case.get("env", {}),
                "argument": case["argument"],
                "expected": expected,
            }
        )
    # The default tables are written once; cases say only how theirs differ.
    default = result[0]["expected"]["formatters"]
    for case in result:
        formatters = case["expected"].get("formatters")
        if formatters is not None:
            case["expected"]["formatters"] = {k: v for k, v in formatters.items() if default.get(k) != v}
            assert all(k in formatters for k in default)
    write(output, "config.json", {"defaultFormatters": default, "cases": result})


# --- paths -------------------------------------------------------------------------------------

RUN = "u/me/run1"
DATASET_ID = "01a203df-2de1-7719-826b-989e8dc6ad92"


def fill_repository(butler):
    registry = butler.registry
    insert = registry.insertDimensionData
    for name in ("Cam1", "Cam2"):
        insert("instrument", {"name": name, "visit_max": 10**9, "exposure_max": 10**9, "detector_max": 100, "class_name": "x.Y"})
        for f, band in (("G", "g"), ("R 1/2", "r")):
            insert("physical_filter", {"instrument": name, "name": f"{name}-{f}", "band": band})
        for number, full_name in enumerate(("Aa", "Ab", "R01_S11.x", "odd/na#me"), 1):
            insert("detector", {"instrument": name, "id": number, "full_name": full_name, "purpose": "SCIENCE"})
        for day in (20210909, 20210910):
            insert("day_obs", {"instrument": name, "id": day})
        for number, obs_id in ((1, "MC_O_20240101_000001"), (2, "weird/obs id.2#3"), (3, "..")):
            group = ("g1", "a/b c#d", "g:3")[number - 1]
            insert("group", {"instrument": name, "name": group})
            insert(
                "exposure",
                {
                    "instrument": name,
                    "id": number,
                    "obs_id": obs_id,
                    "group": group,
                    "physical_filter": f"{name}-G",
                    "day_obs": 20210909,
                    "target_name": "NGC 1/2",
                    "seq_num": 17,
                },
            )
        for number, f in ((1, "G"), (2, "R 1/2"), (10**10, "G")):
            insert(
                "visit",
                {"instrument": name, "id": number, "name": f"v.{number}", "physical_filter": f"{name}-{f}", "day_obs": 20210909},
            )
    for name in ("Cam1", "Cam2"):
        insert("visit_system", {"instrument": name, "id": 1, "name": "by exposure"})
        insert("visit_definition", {"instrument": name, "visit": 1, "exposure": 2})
    insert("skymap", {"name": "SkyMap1", "hash": b"x"})
    for tract in (0, 1):
        insert("tract", {"skymap": "SkyMap1", "id": tract})
        for patch in (0, 1):
            insert("patch", {"skymap": "SkyMap1", "tract": tract, "id": patch, "cell_x": 0, "cell_y": 0})
    for band in "gr":
        insert("subfilter", {"band": band, "id": 0})
    insert("ssp_hypothesis_table", {"name": "table 1"})
    insert("ssp_hypothesis_bundle", {"ssp_hypothesis_table": "table 1", "id": 7})
    insert("ssp_balanced_index", {"ssp_hypothesis_table": "table 1", "id": 8})


V1 = {"instrument": "Cam1", "visit": 1}
V2 = {"instrument": "Cam1", "visit": 2}
VB = {"instrument": "Cam1", "visit": 10**10}
E1 = {"instrument": "Cam1", "exposure": 1}
E2 = {"instrument": "Cam1", "exposure": 2}
E3 = {"instrument": "Cam1", "exposure": 3}
P = {"skymap": "SkyMap1", "tract": 0, "patch": 1}
STRANGE_RUN = 'u/me/a b:c*d?e|f<g>h"i\\j.k#l'

# name, dimensions, storage class, data ID, run
DEFAULT_DATASETS = [
    ("isr_config", [], "Config", {}, RUN),
    ("packages", [], "Packages", {}, RUN),
    ("run_provenance", [], "ProvenanceQuantumGraph", {}, RUN),
    ("calexp", ["visit", "detector"], "NumpyArray", V1 | {"detector": 1}, RUN),
    ("calexp", ["visit", "detector"], "NumpyArray", V2 | {"detector": 3}, RUN),
    ("calexp", ["visit", "detector"], "NumpyArray", VB | {"detector": 4}, RUN),
    ("isr_metadata", ["exposure", "detector"], "TaskMetadata", E1 | {"detector": 1}, RUN),
    ("isr_log", ["exposure", "detector"], "ButlerLogRecords", E3 | {"detector": 2}, RUN),
    ("expOnly", ["exposure"], "StructuredDataDict", E1, RUN),
    ("expOnly", ["exposure"], "StructuredDataDict", E3, RUN),
    ("postISRCCD", ["exposure", "detector"], "StructuredDataDict", E2 | {"detector": 2}, RUN),
    ("warp", ["patch", "visit"], "ArrowAstropy", P | V1, RUN),
    ("deepCoadd", ["patch", "band"], "Plot", P | {"band": "g"}, RUN),
    ("dcr", ["patch", "subfilter"], "Plot", P | {"band": "g", "subfilter": 0}, RUN),
    ("objectTable_tract", ["tract"], "DataFrame", {"skymap": "SkyMap1", "tract": 0}, RUN),
    ("refcat", ["htm7"], "ArrowTable", {"htm7": 131072}, RUN),
    ("deep", ["htm24"], "ArrowTable", {"htm24": 2**51 + 1}, RUN),
    ("hp", ["healpix9", "band"], "AstropyTable", {"healpix9": 42, "band": "g"}, RUN),
    ("two", ["healpix9", "htm7"], "AstropyTable", {"healpix9": 42, "htm7": 131072}, RUN),
    ("dayTable", ["day_obs"], "ArrowAstropy", {"instrument": "Cam1", "day_obs": 20210909}, RUN),
    ("grp", ["group", "detector"], "StructuredDataDict", {"instrument": "Cam1", "group": "a/b c#d", "detector": 2}, RUN),
    ("both", ["visit", "exposure"], "StructuredDataDict", V1 | E2, RUN),
    ("vs", ["visit_system"], "StructuredDataDict", {"instrument": "Cam1", "visit_system": 1}, RUN),
    ("flat", ["physical_filter", "detector"], "NumpyArray", {"instrument": "Cam1", "physical_filter": "Cam1-R 1/2", "detector": 4}, RUN),
    ("ssp", ["ssp_hypothesis_bundle"], "NumpyArray", {"ssp_hypothesis_table": "table 1", "ssp_hypothesis_bundle": 7}, RUN),
    ("sspi", ["ssp_balanced_index"], "NumpyArray", {"ssp_hypothesis_table": "table 1", "ssp_balanced_index": 8}, RUN),
    ("x_config", [], "Config", {}, STRANGE_RUN),
    ("x_config", [], "Config", {}, "u/me//dbl/./run/"),
    ("x_config", [], "Config", {}, "run"),
    ("x_config", [], "Config", {}, "a..b/..c/d.."),
    ("x_config", [], "Config", {}, "ü/日本"),
    ("seven", [], "int", {}, RUN),
    ("nothing", [], "StructuredDataList", {}, RUN),
    ("_mock_y", [], "StructuredDataList", {}, RUN),
    ("_mock_y_log", ["visit"], "ButlerLogRecords", V1, RUN),
]


def one(template, name="calexp", dimensions=("visit", "detector"), storage="NumpyArray", data_id=V1 | {"detector": 1}, run=RUN, prefix=None):
    if prefix is None:
        prefix = "i{instrument}/" if "instrument" in data_id else ""
    template = prefix + template
    return ({"templates": {name: template}}, [(name, list(dimensions), storage, data_id, run)])


BIG = VB | {"detector": 4}
PATH_CASES = [
    ({}, DEFAULT_DATASETS),
    one("{run:/}/{datasetType}/{visit:08d}_{detector:3}_{instrument:8}x"),
    one("{run:/}/{visit:3d}-{detector:03}-{instrument:s}-{band:04}", data_id=BIG),
    one("{run:/}/{visit:?08d}_{detector}_{tract:?04d}_{skymap:?}"),
    one("{run}/{visit}/{detector.full_name}/{visit.name}_{detector.id:05d}_{visit.instrument}_{detector.visit:?}"),
    one("{run:/}/{detector.full_name:/}/{visit}_{detector}", data_id=BIG),
    one("{run:/}/{visit}_{detector.full_name:/}", data_id=BIG),
    one("{run:/}/{visit}_{detector.nothing:?}_{detector}"),
    one("{run:/}/{visit}_{detector.nothing}_{detector}"),
    one("{run:/}/{visit}_{detector.raft}_{visit.day_obs}_{visit.physical_filter}", data_id=V2 | {"detector": 1}),
    one("{run:/}/a{{b}}c/{{{visit}}}_{detector}_x{{-{tract:?}}}"),
    one("{run:/}/lit#dir.x/{visit}.{detector}.v1#2"),
    one("{run:/}/{visit}_{detector}/"),
    one("/{tract:?}/{run:/}/{visit}_{detector}_{instrument}", prefix=""),
    one("//{run:/}/{visit}_{detector}_{instrument}", prefix=""),
    one("{tract:?}/./{run:/}//{visit}_{detector}_{instrument}", prefix=""),
    one("{run:/}/{visit}_{detector}", prefix=""),
    one("{run:/}/{tract|patch|visit}_{exposure.obs_id|detector.full_name}_{skymap|run:/}"),
    one("{run:/}/{tract|patch}_{visit}_{detector}"),
    one("{run:/}/{visit}"),
    one("{datasetType}/{visit}_{detector}"),
    one("{datasetType}/{visit}_{detector}_{id}"),
    one("{id}/{visit}_{detector}"),
    one("{datasetType}/{id}"),
    one("{run}/fixed", prefix=""),
    one("{run:/}/../{visit}_{detector}"),
    one("{run:/}/{visit}_{detector}_{component:?}"),
    one("{run:/}/{visit}_{detector}_{component}"),
    one("{run:/}/{visit}_{detector}_{tract}"),
    one("{run:/}/{visit:>8d}_{detector}"),
    one("{run:/}/{visit!s}_{detector}"),
    one("{run:/}/{visit:s}_{detector}"),
    one("{run:/}/{instrument:d}_{visit}_{detector}"),
    one("{run:/}/{visit_{detector}"),
    one("{run:/}/{visit}_{detector}}"),
    one("{run:/}/{}_{visit}_{detector}"),
    one("{run:/}/{0}_{visit}_{detector}"),
    one("{collection}/{visit}_{detector}"),
    one("{run:/}/{htm7}", "h", ["htm7"], "int", {"htm7": 131072}),
    one("{run:/}/{skypix:010d}", "h", ["htm7"], "int", {"htm7": 131072}),
    one("{run:/}/{htm7}_{healpix9}", "h", ["htm7", "healpix9"], "int", {"htm7": 131072, "healpix9": 5}),
    one("{run:/}/{exposure.target_name}_{exposure.seq_num:04d}_{exposure.science_program}", "e", ["exposure"], "int", E1),
    one("{run:/}/{exposure.exposure_time}_{exposure}", "e", ["exposure"], "int", E1),
    one("{run:/}/{group:/}/{detector}", "g", ["group", "detector"], "int", {"instrument": "Cam1", "group": "a/b c#d", "detector": 2}),
    one("", prefix=""),
    (
        {"templates": {"default": False}},
        [("calexp", ["visit", "detector"], "NumpyArray", V1 | {"detector": 1}, RUN), ("raw", ["exposure", "detector"], "int", E1 | {"detector": 1}, RUN)],
    ),
    (
        # Type name before dimensions before storage class; keys of equal groups; inert keys.
        {
            "templates": {
                "named": "n/{run}/{instrument}{visit}_{detector}",
                "visit+detector": "d/{run}/{instrument}{visit}_{detector}",
                "NumpyArray": "s/{run}/{instrument}{visit}_{detector:?}",
                "visit+": "v/{run}/{instrument}{visit}",
                "visit+nonsense": "x/{run}/{instrument}{visit}",
                "tract": "t/{run}/{skymap}{tract}",
            }
        },
        [
            ("named", ["visit", "detector"], "NumpyArray", V1 | {"detector": 1}, RUN),
            ("other", ["visit", "detector", "band"], "NumpyArray", V1 | {"detector": 1}, RUN),
            ("other", ["visit"], "NumpyArray", V1, RUN),
            ("other", ["visit"], "int", V1, RUN),
            ("other", ["tract"], "int", {"skymap": "SkyMap1", "tract": 0}, RUN),
        ],
    ),
    (
        {
            "templates": {
                "a": "a/{run}/{instrument}{visit}",
                "instrument<Cam1>": {"a": "cam1/a/{run}/{instrument}{visit}", "NumpyArray": "cam1/s/{run}/{instrument}{visit}", "default": "cam1/d/{run}/{instrument}{visit}"},
                "instrument<Cam2>": {"visit+": "cam2/v/{run}/{instrument}{visit}"},
                "skymap<SkyMap1>": {"t": "sky/{run}/{skymap}{tract}"},
            }
        },
        [
            ("a", ["visit"], "NumpyArray", V1, RUN),
            ("b", ["visit"], "NumpyArray", V1, RUN),
            ("b", ["visit"], "int", V1, RUN),
            ("a", ["visit"], "NumpyArray", {"instrument": "Cam2", "visit": 1}, RUN),
            ("c", ["visit"], "int", {"instrument": "Cam2", "visit": 1}, RUN),
            ("t", ["tract"], "int", {"skymap": "SkyMap1", "tract": 0}, RUN),
        ],
    ),
    (
        {
            "formatters": {
                "special": "lsst.daf.butler.formatters.pickle.PickleFormatter",
                "visit+": {"formatter": "lsst.daf.butler.formatters.packages.PackagesFormatter", "parameters": {"format": "json"}},
                "NumpyArray": "lsst.daf.butler.formatters.json.JsonFormatter",
                "default": {"lsst.daf.butler.formatters.packages.PackagesFormatter": {"format": "pickle"}},
                "pk": {"formatter": "lsst.daf.butler.formatters.packages.PackagesFormatter"},
            }
        },
        [
            ("special", ["visit"], "int", V1, RUN),
            ("other", ["visit"], "int", V1, RUN),
            ("other", ["detector"], "NumpyArray", {"instrument": "Cam1", "detector": 1}, RUN),
            ("packages", [], "Packages", {}, RUN),
            ("pk", [], "int", {}, RUN),
        ],
    ),
]

CONSTRAINT_CASES = [
    {"accept": ["a"]},
    {"reject": ["a"]},
    {"accept": ["all"], "reject": ["NumpyArray"]},
    {"accept": ["a"], "reject": ["all"]},
    {"accept": ["visit+"], "reject": ["a"]},
    {"reject": [{"instrument<Cam1>": ["all"]}]},
    {"accept": [{"instrument<Cam1>": ["a", "NumpyArray"]}]},
    {"accept": ["a"], "reject": [{"instrument<Cam2>": ["a"]}]},
    {"accept": [{"instrument<Cam1>": ["all"]}], "reject": ["all"]},
    {"accept": [{"skymap<SkyMap1>": ["all"]}]},
    {"accept": ["all"], "reject": ["all"]},
    {"accept": [], "reject": []},
]
CONSTRAINT_DATASETS = [
    ("a", ["visit"], "NumpyArray", V1, RUN),
    ("a", ["visit"], "NumpyArray", {"instrument": "Cam2", "visit": 1}, RUN),
    ("b", ["visit"], "int", V1, RUN),
    ("c", ["detector"], "NumpyArray", {"instrument": "Cam1", "detector": 1}, RUN),
    ("d", [], "int", {}, RUN),
    ("e", ["tract"], "int", {"skymap": "SkyMap1", "tract": 0}, RUN),
]
MOCK_DATASETS = [
    ("plain", ["visit"], "_mock_NumpyArray", V1, RUN),
    ("_mock_y", [], "StructuredDataList", {}, RUN),
    ("_mock_y_log", ["visit"], "ButlerLogRecords", V1, RUN),
    ("y_config", [], "Config", {}, RUN),
]
COMPOSITE_CASES = [
    ({"default": True}, ["NumpyArray", "ExposureF", "MaskedImageF", "int", "DataFrame"]),
    ({"disassembled": {"ExposureF": True, "x": True}}, ["ExposureF", "ExposureI", "NumpyArray"]),
    ({"default": True, "disassembled": {"ExposureF": False, "__y": False}}, ["ExposureF", "ExposureI"]),
]


def record_rows(butler):
    """Records in the layout of a predicted graph's dimension data."""
    rows = {}
    for name in ("detector", "exposure", "visit", "physical_filter"):
        element = butler.dimensions[name]
        rows[name] = []
        for record in butler.registry.queryDimensionRecords(name):
            full = record.dataId
            values = list(full.required_values)
            values += [getattr(record, n) for n in element.implied.names]
            skip = set(element.required.names) | set(element.implied.names) | {element.primaryKey.name}
            values += [getattr(record, n) for n in element.RecordClass.fields.standard.names if n not in skip]
            values += [None] * (bool(element.spatial) + bool(element.temporal))
            rows[name].append(values)
    return rows


def data_coordinate(butler, dimensions, data_id):
    return butler.registry.expandDataId(data_id, dimensions=butler.dimensions.conform(dimensions))


def predict(butler, dataset):
    name, dimensions, storage, data_id, run = dataset
    result = {"name": name, "dimensions": dimensions, "storageClass": storage, "run": run}
    coordinate = data_coordinate(butler, dimensions, data_id)
    result["values"] = list(coordinate.full_values)
    try:
        dataset_type = DatasetType(name, coordinate.dimensions, storage)
        ref = DatasetRef(dataset_type, coordinate, run, id=uuid.UUID(DATASET_ID))
        datastore = butler._datastore
        location, info = datastore._determine_put_formatter_location(ref)[:2]
        formatter = datastore.formatterFactory.getFormatterClass(ref)
        result["path"] = location.pathInStore.path
        result["formatter"] = get_full_type_name(formatter)
        result["accepted"] = datastore.constraints.isAcceptable(ref)
    except Exception as error:
        result["error"] = type(error).__name__
        result["message"] = str(error)[:100]
    return result


def make_paths(output, scratch):
    repository = os.path.join(scratch, "repo")
    shutil.rmtree(repository, ignore_errors=True)
    Butler.makeRepo(repository)
    with Butler.from_config(repository, writeable=True) as butler:
        fill_repository(butler)
        rows = record_rows(butler)
    base = yaml.safe_load(open(os.path.join(repository, "butler.yaml")))

    def with_config(section, datasets, key=None):
        path = os.path.join(repository, "variant.yaml")
        config = Config(base)
        config.update({"datastore": section})
        with open(path, "w") as file:
            yaml.safe_dump(config.toDict(), file)
        try:
            with Butler.from_config(path, writeable=False) as butler:
                found = [predict(butler, dataset) for dataset in datasets]
        except Exception as error:
            return {"datastore": section, "error": type(error).__name__, "message": str(error)[:100]}
        return {"datastore": section, "datasets": found}

    paths = [with_config(section, datasets) for section, datasets in PATH_CASES]
    constraints = [with_config({"constraints": c}, CONSTRAINT_DATASETS) for c in CONSTRAINT_CASES]
    composites = []
    for section, storage_classes in COMPOSITE_CASES:
        config = Config(base)
        config.update({"datastore": {"composites": section}})
        with open(os.path.join(repository, "variant.yaml"), "w") as file:
            yaml.safe_dump(config.toDict(), file)
        with Butler.from_config(os.path.join(repository, "variant.yaml")) as butler:
            for storage in storage_classes:
                dataset_type = DatasetType("x", butler.dimensions.empty, storage)
                composites.append(
                    {
                        "composites": section,
                        "storageClass": storage,
                        "disassembled": butler._datastore.composites.shouldBeDisassembled(dataset_type),
                    }
                )
    # From here on mock storage classes are known to the whole process.
    import lsst.pipe.base.tests.mocks  # noqa: F401

    mocks = with_config({}, MOCK_DATASETS)
    write(
        output,
        "paths.json",
        {"id": DATASET_ID, "records": rows, "paths": paths, "constraints": constraints, "composites": composites, "mocks": mocks},
    )


# --- formatters --------------------------------------------------------------------------------


def make_formatters(output):
    """Name and extension of every default formatter that is installed with the oracle."""
    config = ButlerConfig(None)["datastore"]["formatters"]
    factory = FormatterFactory()
    factory.registerFormatters(config, universe=DimensionUniverse())
    table = []
    for key in sorted(str(k) for k in factory.getLookupKeys()):
        configured = config[key] if isinstance(config[key], str) else config[key, "formatter"]
        entry = {"storageClass": key, "configured": configured, "recorded": None}
        try:
            entry["recorded"] = get_full_type_name(factory.getFormatterClass(key))
        except ImportError:
            pass
        table.append(entry)
    write(output, "formatters.json", table)


if __name__ == "__main__":
    destination = sys.argv[1]
    os.makedirs(destination, exist_ok=True)
    make_universes(destination)
    make_configurations(destination)
    make_formatters(destination)
    with tempfile.TemporaryDirectory() as directory:
        make_paths(destination, directory)
