"""Ask PyYAML and the reference what YAML metadata mean; write the answers as JSON.

    run-oracle.sh python yaml_metadata.py SITE_PY > yaml_metadata.json

SITE_PY is tests/oracle/site/site.py, whose stand-in for lsst.daf.base is used.
"""

import datetime
import importlib.util
import json
import sys

import yaml

from lsst.pipe.base import TaskMetadata

spec = importlib.util.spec_from_file_location("site_setup", sys.argv[1])
site = importlib.util.module_from_spec(spec)
spec.loader.exec_module(site)
site.install_daf_base()

SCALARS = """
1 -1 +1 0 -0 00 007 010 -010 0x1F 0XFF 0b101 0o7 1_000 1_ _1 1__2 12345678901234567890 9007199254740993 1:30 1:60 -1:30:00
1.0 -1.5 +1.5 1. .5 -.5 1e5 1.0e5 1.0e+5 1.0e-05 1E5 1.5E+300 1_0.2_5 1.2.3 190:20:30.15 .inf -.inf +.inf .Inf .nan .NaN -.nan inf nan
0.1 3.0 1.25e-07 123456789012345680.0 1.0e+21 -0.0 1.7976931348623157e+308 5.0e-324
true True TRUE tRUE yes Yes no on Off y n null Null NULL ~ nil None
2026-11-30 2026-11-30T05:26:00+00:00 2026-1-2 12:30 a-b a:b =x << = text +x .x x. % 019f1af9-b402-743c-1027-c4d1c386bbc4
""".split()
OTHERS = [
    "'1'", '"true"', "'2026-11-30T05:25:58.657611+00:00'", '"quoted \\"text\\", \\xFCml\\xE4ut, \\U0001F52D and a tab\\t"',
    "'it''s'", "|\n  two\n  lines\n", ">-\n  folded\n  text\n", "!!str 1", "!!int '7'", "!!float 3", "!!bool yes", "!!null x",
    "plain text with blanks", "2026-11-30 05:26:00", "[1, 2.5, x]", "{a: 1, b: [true, ~]}", "", "!!python/tuple [1]", "!x y",
    "&a [1, 2]", '"\\ud83d"', "[&a [1, 2], *a, *a]", "{a: 1, a: 2}", "*a", "[1", "a: b: c", "{1: x}", "- 1\n- - 2\n  - 3\n",
]


def scalar(value):
    match value:
        case None:
            return ["null", "null"]
        case bool():
            return ["bool", json.dumps(value)]
        case int():
            return ["int", str(value)]
        case float():
            return ["float", json.dumps(value)]
        case str():
            value.encode()
            return ["string", value]
        case list():
            return ["sequence", [scalar(v) for v in value]]
        case dict():
            return ["mapping", [[scalar(k), scalar(v)] for k, v in value.items()]]
    raise TypeError(type(value).__name__)


def value_of(text):
    try:
        value = yaml.safe_load(text)
        if isinstance(value, datetime.date):
            raise TypeError("a time")
        return scalar(value)
    except Exception as error:
        return ["error", type(error).__name__]


PS = "!<lsst.daf.base.PropertySet>"
SETS = [
    f"{PS}\n- [b, Int, 1]\n- [a, String, x]\n- [ü, Double, 2.0]\n- [Z, Bool, true]\n",
    f"{PS}\n- - one\n  - Int\n  - [5]\n- - many\n  - Int\n  - [1, 2]\n- [texts, String, [a, 'b']]\n",
    f"{PS}\n- - outer\n  - PropertySet\n  - {PS}\n    - - inner\n      - PropertySet\n      - {PS}\n        - [x, LongLong, 1152921504606846977]\n",
    f"{PS}\n- [empty, PropertySet, {PS} []]\n- [x, Int, 1]\n",
    f"{PS}\n- [x, Int, 1]\n- [x, Int, 2]\n",
    f"{PS}\n- [f, Double, [.nan, .inf, -.inf, 1.25e-07]]\n",
    f"{PS} []\n",
    f"{PS}\n- [t, DateTime, !<lsst.daf.base.DateTime> '2026-11-30T05:26:00.000000000']\n",
    f"{PS}\n- [u, Undef, ~]\n",
    f"{PS}\n- [x, Int]\n",
    "[]\n",
]
MODELS = [
    "scalars: {a: 1, b: 2.5, c: true, d: x, n: .nan}\narrays: {s: [1.0, 2.0], t: [a, b]}\nmetadata:\n  sub:\n    scalars: {x: -.inf}\n",
    "{}\n",
    "scalars: {x: ~}\n",
    "scalars: {x: 2026-11-30}\n",
    "scalars: {1: x}\n",
    "scalars: {x: [1]}\n",
    "arrays: {x: 1}\n",
    "arrays: {x: [1, a]}\n",
    "other: 1\n",
    "[]\n",
]


def from_set(text):
    try:
        value = yaml.safe_load(text)
        if not isinstance(value, site.PropertySet):
            raise TypeError("no PropertySet")
        return TaskMetadata.from_metadata(value).model_dump_json()
    except Exception as error:
        return {"error": type(error).__name__}


def from_model(text):
    try:
        return TaskMetadata.model_validate(yaml.safe_load(text)).model_dump_json()
    except Exception as error:
        return {"error": type(error).__name__}


json.dump(
    {
        "values": [[text, value_of(text)] for text in SCALARS + OTHERS],
        "sets": [[text, from_set(text)] for text in SETS],
        "models": [[text, from_model(text)] for text in MODELS],
    },
    sys.stdout,
    indent=1,
)
print()
