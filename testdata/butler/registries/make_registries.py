"""Make small repositories whose registries have other managers, and what the reference does with them.

    python make_registries.py FOLDER_OF_MAKE_REPO SCRATCH OUT

For each kind: `KIND.tar.gz` (an executed run with its predicted graph) and `KIND.json` (rows of the
registry after `aggregate-graph` and after `ingest-graph` of the reference). See ORIGIN.md.
"""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tarfile

sys.path.insert(0, sys.argv[1])
import make_repo  # noqa: E402
from lsst.daf.butler import Butler  # noqa: E402

SCRATCH, OUT = sys.argv[2:4]
KINDS = {
    "name_keys": {
        "collections": "lsst.daf.butler.registry.collections.nameKey.NameKeyCollectionManager",
    },
    "obscore": {
        "obscore": {
            "cls": "lsst.daf.butler.registry.obscore.ObsCoreLiveTableManager",
            "config": {
                "namespace": "test",
                "version": 0,
                "facility_name": "Somewhere",
                "obs_collection": "test",
                "collection_type": "RUN",
                "collections": [],
                "dataset_types": {
                    "raw": {
                        "dataproduct_type": "image",
                        "dataproduct_subtype": "raw",
                        "calib_level": 1,
                        "obs_id_fmt": "{id}",
                        "o_ucd": "phot.count",
                        "access_format": "text/yaml",
                    },
                },
                "extra_columns": {},
            },
        },
    },
}
RUN = "u/oracle/out/20260701T000000Z"
ONLY_COUNTED = {"instrument", "skymap", "sqlite_sequence"}


def rows(path: str) -> dict[str, list[str]]:
    """Every table: its rows as sorted JSON, keys of dataset types and collections as names."""
    db = sqlite3.connect(path)
    db.row_factory = sqlite3.Row
    types = {r["id"]: r["name"] for r in db.execute("SELECT id, name FROM dataset_type")}
    columns = [r["name"] for r in db.execute("PRAGMA table_info(collection)")]
    keys = (
        {r["collection_id"]: r["name"] for r in db.execute("SELECT collection_id, name FROM collection")}
        if "collection_id" in columns
        else {}
    )
    provenance = {
        r["id"]
        for r in db.execute("SELECT id, dataset_type_id FROM dataset")
        if types[r["dataset_type_id"]] == "run_provenance"
    }
    result: dict[str, list[str]] = {}
    for (table,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
        if table.startswith("sqlite_") or table in ONLY_COUNTED:
            continue
        found = []
        for row in db.execute(f'SELECT * FROM "{table}"'):
            value = dict(row)
            value.pop("ingest_date", None)
            if table == "file_datastore_records" and value["path"].endswith(".qg"):
                value.update(file_size=None, storage_class=None)
            for column in ("dataset_type_id", "collection_id", "run_id", "parent", "child"):
                if column in value:
                    value[column] = (types if column == "dataset_type_id" else keys).get(
                        value[column], value[column]
                    )
            if table in ("dataset_type", "collection"):
                value.pop("id", None)
                value.pop("collection_id", None)
            for column in ("id", "dataset_id"):
                if value.get(column) in provenance:
                    value[column] = "run_provenance"
            found.append(json.dumps(value, sort_keys=True, ensure_ascii=False))
        result[table] = sorted(found)
    return result


def run(*args: str) -> None:
    subprocess.run(["butler", *args], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


for kind, managers in KINDS.items():
    work = os.path.join(SCRATCH, kind)
    shutil.rmtree(work, ignore_errors=True)
    os.makedirs(work)
    os.chdir(work)
    make = Butler.makeRepo

    def patched(repo, config=None, **kwargs):
        for name, value in managers.items():
            config["registry", "managers", name] = value
        return make(repo, config=config, **kwargs)

    Butler.makeRepo = patched
    sys.argv = ["make_repo.py", "repo", "--graph", "predicted.qg", "--scenario", "ok"]
    sys.argv += ["--visits", "2", "--detectors", "2"]
    make_repo.main()
    Butler.makeRepo = make
    with tarfile.open(os.path.join(OUT, f"{kind}.tar.gz"), "w:gz") as tar:
        for name in ("repo", "predicted.qg"):
            tar.add(name)
    before = rows("repo/gen3.sqlite3")
    expected = {}
    run("aggregate-graph", "predicted.qg", "repo", "-o", "provenance.qg")
    expected["aggregated"] = rows("repo/gen3.sqlite3")
    run("ingest-graph", "repo", "provenance.qg")
    expected["ingested"] = rows("repo/gen3.sqlite3")
    changed = {
        table for state in expected.values() for table in state if state[table] != before.get(table)
    } | {"obscore"}
    expected = {
        step: {table: found for table, found in state.items() if table in changed}
        for step, state in expected.items()
    }
    with open(os.path.join(OUT, f"{kind}.json"), "w") as out:
        json.dump(expected, out, indent=0, ensure_ascii=False, sort_keys=True)
        out.write("\n")
