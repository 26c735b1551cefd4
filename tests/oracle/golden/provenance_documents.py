"""Log and metadata documents, good and bad, and what the reference makes of them.

    python provenance_documents.py documents OUTPUT
    python provenance_documents.py blocks INPUT OUTPUT

`documents` makes all cases (a log file, a metadata file or both) and asks the reference to read them and
to assemble the attempts of a quantum from them.  `blocks` reads provenance blocks that another program
made from the same cases, with the reference's block reader, and compares them with what the reference
itself would have written.

Documents are text in which every character stands for one byte (ISO 8859-1).
Needs the reference's packages; make_provenance_golden.ts runs both steps.
"""

import hashlib
import json
import os
import random
import re
import sys
import tempfile

import lsst.pipe.base
import pydantic
from lsst.daf.butler.logging import ButlerLogRecords
from lsst.pipe.base import TaskMetadata
from lsst.pipe.base.quantum_graph._predicted import PredictedQuantumDatasetsModel
from lsst.pipe.base.quantum_graph._provenance import (
    ProvenanceLogRecordsModel,
    ProvenanceQuantumModel,
    ProvenanceQuantumScanModels,
    ProvenanceTaskMetadataModel,
)

SEED = 20261122
LABEL = "calibrate"
Q = "01a203df-2de6-7ae4-b98c-a9434b5b58fb"
IMAGE = "01a203df-2de0-7772-a07a-3bbc5080c442"
CATALOG = "01a203df-2de0-7f56-bab2-5cccbb184307"
METADATA = "01a203df-2de0-7727-a381-cd20e8f0cfb2"
LOG = "01a203df-2de0-7321-a46d-eac3f3a404c8"
OTHER = "01a203df-2de6-748b-a35f-f70913e0eeee"


def dataset(dataset_id, name):
    return {
        "dataset_id": dataset_id,
        "dataset_type_name": name,
        "data_coordinate": ["Cam1", 4],
        "run": "output_run",
    }


PREDICTED = {
    "quantum_id": Q,
    "task_label": LABEL,
    "data_coordinate": ["Cam1", 4],
    "inputs": {"raw": [dataset("01a203df-2d6a-7773-88f7-7e078520ae30", "raw")]},
    "outputs": {
        "image": [dataset(IMAGE, "image")],
        "catalog": [dataset(CATALOG, "catalog")],
        "_metadata": [dataset(METADATA, "calibrate_metadata")],
        "_log": [dataset(LOG, "calibrate_log")],
    },
    "datastore_records": {},
}

# --- documents -----------------------------------------------------------------------------------

RECORD = {
    "name": '"lsst.task"',
    "asctime": '"2026-11-22T15:28:07.772212Z"',
    "message": '"m"',
    "levelno": "20",
    "levelname": '"INFO"',
    "filename": '"f.py"',
    "pathname": '"/p/f.py"',
    "lineno": "238",
    "process": "20534",
    "processName": '"MainProcess"',
    "MDC": '{"LABEL":"x","RUN":"r"}',
}


def u(text):
    """UTF-8 bytes of a text, as characters."""
    return text.encode("utf-8", "surrogatepass").decode("latin-1")


def record(without=None, more="", **values):
    members = {**RECORD, **values}
    members.pop(without, None)
    return "{" + ",".join(f'"{k}":{v}' for k, v in members.items()) + more + "}"


R = record()


def v1(*records):
    return "[" + ",".join(records) + "]"


def v2(extra="", records=None, version="2"):
    records = v1(R) if records is None else records
    return f'{{"extended":true,"version":{version},"records":{records}{"," if extra else ""}{extra}}}'


def extra(exception="null", metadata="null", previous="[]", logs="[]", attempts="[]", more=""):
    return (
        f'"exception":{exception},"metadata":{metadata},"previous_process_quanta":{previous},'
        f'"logs":{logs},"previous_attempts":{attempts}{more}'
    )


def exception(values="{}", type_name='"builtins.ValueError"', message='"failed"', more=""):
    return f'{{"type_name":{type_name},"message":{message},"metadata":{values}{more}}}'


def md(scalars=None, arrays=None, nested=None):
    parts = []
    for name, value in (("scalars", scalars), ("arrays", arrays), ("metadata", nested)):
        if value is not None:
            parts.append(f'"{name}":{value}')
    return "{" + ",".join(parts) + "}"


TIMES = {
    "prepUtc": '["2026-11-22T15:28:07.772068+00:00"]',
    "initUtc": '["2026-11-22T15:28:07.772381+00:00"]',
    "startUtc": '["2026-11-22T15:28:07.773268+00:00"]',
    "endUtc": '["2026-11-22T15:28:07.773782+00:00"]',
    "startCpuTime": "[2.5]",
    "endCpuTime": "[3.75]",
    "endMaxResidentSetSize": "[186773504]",
    "outputs": f'["{IMAGE}"]',
}


def quantum(scalars='{"__version__":1,"caveats":0}', without=(), **arrays):
    members = {**TIMES, **arrays}
    for name in (without,) if isinstance(without, str) else without:
        del members[name]
    return md(scalars, "{" + ",".join(f'"{k}":{v}' for k, v in members.items()) + "}", "{}")


def task_md(section=None, task=None, scalars="{}"):
    parts = []
    if task is not None:
        parts.append(f'"{LABEL}":{task}')
    if section is not None:
        parts.append(f'"quantum":{section}')
    return md(scalars, "{}", "{" + ",".join(parts) + "}")


def nest(depth, value="0", pair="[]"):
    if pair == "[]":
        return "[" * depth + value + "]" * depth
    return '{"k":' * depth + value + "}" * depth


def nest_md(depth):
    return '{"metadata":{"k":' * depth + "{}" + "}}" * depth


NUMBERS = {
    "integer": "20",
    "negative": "-5",
    "minus_zero": "-0",
    "minus_zero_float": "-0.0",
    "integral_float": "20.0",
    "exponent": "2e1",
    "exponent_plus": "2E+1",
    "fraction": "20.5",
    "tiny": "1e-400",
    "huge_float": "1e300",
    "overflowing_float": "1e400",
    "float_1e18": "1e18",
    "float_1e19": "1e19",
    "float_2pow63": "9223372036854775808.0",
    "int64_max": "9223372036854775807",
    "int64_above": "9223372036854775808",
    "int64_min": "-9223372036854775808",
    "int64_below": "-9223372036854775809",
    "digits_30": "1" + "0" * 30,
    "digits_308": "1" + "0" * 307,
    "digits_309_fits": "1" + "0" * 308,
    "digits_309_rounds_over": "179769313486231580793" + "0" * 288,
    "digits_310": "1" + "0" * 309,
    "digits_4299": "1" * 4299,
    "digits_4300": "1" * 4300,
    "digits_4301": "1" * 4301,
    "digits_5000": "1" * 5000,
    "fraction_5000": "1." + "1" * 5000,
    "rounded_to_integer": "9007199254740993.5",
    "rounded_to_one": "1.00000000000000000001",
    "leading_zero": "02",
    "double_zero": "00",
    "minus_leading_zero": "-01",
    "plus": "+5",
    "minus_alone": "-",
    "hexadecimal": "0x10",
    "point_last": "1.",
    "point_first": ".5",
    "exponent_empty": "1e",
    "exponent_sign_only": "1e+",
    "underscore": "1_0",
    "nan": "NaN",
    "infinity": "Infinity",
    "minus_infinity": "-Infinity",
    "minus_nan": "-NaN",
    "plus_infinity": "+Infinity",
    "nan_lower": "nan",
    "inf_short": "Inf",
    "true": "true",
    "false": "false",
    "true_upper": "True",
    "null": "null",
    "null_cut": "nul",
    "null_long": "nullx",
    "empty_string": '""',
    "string_integer": '"20"',
    "string_blanks": '" 20 "',
    "string_float": '"20.0"',
    "string_fraction": '"20.5"',
    "string_word": '"twenty"',
    "string_underscore": '"2_0"',
    "string_underscore_end": '"20_"',
    "string_underscore_double": '"2__0"',
    "string_underscore_point": '"2_.5"',
    "string_underscore_exponent": '"2e1_0"',
    "string_nan": '"nan"',
    "string_plus_nan": '"+NaN"',
    "string_inf": '"-inf"',
    "string_infinity": '"Infinity"',
    "string_infinit": '"infinit"',
    "string_point": '"."',
    "string_point_digits": '".5"',
    "string_digits_point": '"5."',
    "string_exponent": '"1e5"',
    "string_hexadecimal": '"0x10"',
    "string_newline": '"\\n5\\n"',
    "string_bom": u('"\ufeff5"'),
    "string_nbsp": u('"\u00a05"'),
    "string_nel": u('"\u00855"'),
    "string_separator_1c": '"\\u001c5"',
    "string_zero_width": u('"\u200b5"'),
    "string_arabic_digits": u('"\u0665\u0666"'),
    "string_fullwidth_digits": u('"\uff15"'),
    "string_nul": '"5\\u0000"',
    "object": "{}",
    "array": "[]",
    "array_of_one": "[5]",
    "nested": '{"a":[1]}',
}

STRINGS = {
    "empty": '""',
    "escapes": '"\\"\\\\\\/\\b\\f\\n\\r\\t"',
    "escaped_nul": '"\\u0000"',
    "delete": '"\x7f"',
    "pair": '"\\ud83d\\ude00"',
    "pair_upper": '"\\uD83D\\uDE00"',
    "lone_high": '"\\ud800"',
    "lone_high_at_end": '"abc\\udbff"',
    "lone_low": '"\\ude00"',
    "reversed_pair": '"\\ude00\\ud83d"',
    "high_then_letter": '"\\ud83d\\u0041"',
    "high_then_plain": '"\\ud83dA"',
    "high_then_escape": '"\\ud83d\\n"',
    "high_high_low": '"\\ud83d\\ud83d\\ude00"',
    "high_cut": '"\\ud83d\\u"',
    "escape_cut": '"\\u12"',
    "escape_no_hex": '"\\u12g4"',
    "escape_plus": '"\\u+123"',
    "escape_upper_u": '"\\U0041"',
    "escape_unknown": '"\\x41"',
    "escape_quote_single": "\"\\'\"",
    "escape_at_end": '"\\"',
    "unterminated": '"abc',
    "control_01": '"a\x01b"',
    "control_1f": '"a\x1fb"',
    "control_tab": '"a\tb"',
    "control_newline": '"a\nb"',
    "control_return": '"a\rb"',
    "control_nul": '"a\x00b"',
    "emoji": u('"\U0001f600"'),
    "accents": u('"é ü 漢"'),
    "line_separator": u('"a\u2028b\u2029c\u0085d"'),
    "bom_inside": u('"\ufeff"'),
    "noncharacter": u('"\uffff"'),
    "highest": u('"\U0010ffff"'),
    "above_highest": '"\xf4\x90\x80\x80"',
    "invalid_ff": '"\xff"',
    "invalid_lone_continuation": '"\x80"',
    "invalid_overlong": '"\xc0\xaf"',
    "invalid_surrogate": '"\xed\xa0\x80"',
    "invalid_cut": '"\xe2\x82"',
    "invalid_latin1": '"caf\xe9"',
    "single_quotes": "'abc'",
    "bare": "abc",
    "null": "null",
    "number": "5",
    "true": "true",
    "object": "{}",
    "array": "[]",
}

DATETIMES = [
    "2026-11-22T15:28:07.772212Z", "2026-11-22T15:28:07Z", "2026-11-22T15:28:07", "2026-11-22T15:28",
    "2026-11-22T15:28Z", "2026-11-22T15", "2026-11-22T15Z", "2026-11-22T", "2026-11-22", "2026-11-22Z", "2026-11",
    "20261122T152807Z", "2026-11-22T152807Z", "2026-W47-7T15:28:07Z", "2026-326T15:28:07Z",
    "2026-11-22 15:28:07", "2026-11-22t15:28:07z", "2026-11-22_15:28:07", "2026-11-22-15:28:07",
    "2026-11-22T15:28:07.7", "2026-11-22T15:28:07.77Z", "2026-11-22T15:28:07.772", "2026-11-22T15:28:07.7722121",
    "2026-11-22T15:28:07.772212345Z", "2026-11-22T15:28:07.7722123456Z", "2026-11-22T15:28:07." + "1" * 30 + "Z",
    "2026-11-22T15:28:07,772212Z", "2026-11-22T15:28:07.Z", "2026-11-22T15:28:07.", "2026-11-22T15:28:07.9999999Z",
    "2026-11-22T15:28:07+00:00", "2026-11-22T15:28:07-00:00", "2026-11-22T15:28:07+01:30", "2026-11-22T15:28:07-1130",
    "2026-11-22T15:28:07+05", "2026-11-22T15:28:07+5", "2026-11-22T15:28:07 +05:00", "2026-11-22T15:28:07 Z",
    "2026-11-22T15:28:07+23:59", "2026-11-22T15:28:07+24:00", "2026-11-22T15:28:07+12:60", "2026-11-22T15:28:07+99:00",
    "2026-11-22T15:28:07+01:30:15", "2026-11-22T15:28:07\u221201:00", "2026-11-22T15:28:07ZZ", "2026-11-22T15:28:07 UTC",
    "2026-11-22T15:28+01:00", "2026-11-22 15:28:07.5 +01:00", "2026-11-22T15:28:07.5 Z",
    "2026-11-22T24:00:00Z", "2026-11-22T25:00:00Z", "2026-11-22T23:60:00Z", "2026-11-22T23:59:60Z", "2026-11-22T23:59:59Z",
    "2026-02-29T00:00:00Z", "2024-02-29T00:00:00Z", "1900-02-29T00:00:00Z", "2000-02-29T00:00:00Z", "2026-02-30T00:00:00Z",
    "2026-04-31T00:00:00Z", "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z", "2026-01-00T00:00:00Z", "2026-01-32T00:00:00Z",
    "0000-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00+10:00", "9999-12-31T23:59:59.999999Z",
    "9999-12-31T23:59:59-10:00", "10000-01-01T00:00:00Z", "+2026-11-22T15:28:07Z", "-2026-11-22T15:28:07Z", "1969-12-31T23:59:59Z",
    " 2026-11-22T15:28:07Z", "2026-11-22T15:28:07Z ", "2026-11-22T15:28:07Z\n", "2026-1-2T15:28:07Z", "2026-11-22T5:28:07Z",
    "2026/11/22T15:28:07Z", "22-11-2026T15:28:07Z", "now", "", "Z", "2026-11-22T15:28:7Z", "２０26-11-22T15:28:07Z",
    "1795361287", "1795361287.5", "-1", " 1795361287", "1e9", "NaN", "1795361287772", "15:28:07", "2026-11-22T15:28:07.772212z",
    "2026-11-22  15:28:07", "2026-11-22T15:28:07.772212+0000", "2026-11-22T15:28:07.772212+00", "2026-11-22T15:28:07+0030",
]  # fmt: skip

EPOCHS = [
    "0", "1795361287", "1795361287.5", "1795361287772", "1795361287.7722123", "-1", "-1.5", "20000000000", "20000000001",
    "19999999999", "-20000000000", "-20000000001", "253402300799", "253402300800", "253402300799999", "253402300800000",
    "-11676096000", "-11676096001", "-62135596800", "-62135596800000", "-62135596800001", "-62167219200000", "1e12", "1e13", "1e14", "1e15", "1e18", "1e300",
    "1e400", "-1e15", "NaN", "Infinity", "-Infinity", "true", "false", "null", "9" * 25, "{}", "[]", "0.0", "-0", "1e-7", "9223372036854775807",
    "9223372036854775808", "-9223372036854775808", "20000000000.5", "19999999999.9999999", "1e10", "2e10", "253402300799.9999", "253402300799999.9",
]  # fmt: skip

METADATA_FULL = task_md(
    quantum('{"__version__":1,"caveats":67,"nodeName":"node \\u00e9"}'),
    md(
        '{"n":5,"x":1.0,"nan":NaN,"inf":-Infinity,"ok":true,"s":"text","big":9007199254740993}',
        '{"a":[1,2],"b":[true,false],"c":["x","y"],"d":[1.5,NaN],"e":[]}',
        '{"failure":'
        + md(
            '{"type":"a.b.Error","message":"went \\"wrong\\""}',
            None,
            '{"metadata":' + md('{"n_bad":12,"ok":false,"why":"x","v":NaN}', '{"arr":[1]}', "{}") + "}",
        )
        + "}",
    ),
)


def log_cases():
    cases = {}

    def add(name, document):
        assert name not in cases, name
        cases[name] = document

    for name, text in STRINGS.items():
        add(f"record-message-{name}", v1(record(message=text)))
    for name, text in NUMBERS.items():
        add(f"record-levelno-{name}", v1(record(levelno=text)))
    for i, text in enumerate(DATETIMES):
        add(f"record-asctime-{i:03}", v1(record(asctime=u(json.dumps(text, ensure_ascii=False)))))
    for i, text in enumerate(EPOCHS):
        add(f"record-asctime-number-{i:02}", v1(record(asctime=text)))
    add("record-asctime-escaped", v1(record(asctime='"2026-11-22T15:28:07\\u005a"')))
    for key in RECORD:
        add(f"record-without-{key}", v1(record(without=key)))
        add(f"record-null-{key}", v1(record(**{key: "null"})))
    for name, text in {
        "empty": "{}", "number": '{"a":5}', "null_value": '{"a":null}', "null": "null", "array": "[]", "nested": '{"a":{"b":"c"}}',
        "true": '{"a":true}', "repeated": '{"a":"b","a":"c"}', "repeated_bad_first": '{"a":5,"a":"c"}', "repeated_bad_last": '{"a":"c","a":5}',
        "accents": u('{"é":"ü"}'), "invalid_key": '{"\xff":"x"}', "escaped_key": '{"\\u00e9":"x"}', "lone_surrogate_key": '{"\\ud800":"x"}',
        "control_key": '{"a\tb":"x"}', "comma_last": '{"a":"b",}', "no_colon": '{"a" "b"}', "bare_key": '{a:"b"}', "no_comma": '{"a":"b" "c":"d"}',
        "cut": '{"a":', "empty_key": '{"":""}', "array_value": '{"a":["b"]}', "string": '"a"',
    }.items():  # fmt: skip
        add(f"record-MDC-{name}", v1(record(MDC=text)))
    for key in ("funcName", "exc_info"):
        for name, text in {"text": '"run"', "null": "null", "number": "5", "object": "{}", "lone_surrogate": '"\\udc00"'}.items():
            add(f"record-{key}-{name}", v1(record(**{key: text})))
    for name, text in {
        "unknown": ',"more":5', "unknown_nested": ',"more":{"a":[1,{"b":null}]}', "unknown_nan": ',"more":NaN',
        "unknown_bad": ',"more":02', "unknown_surrogate": ',"more":"\\ud800"', "unknown_huge": ',"more":' + "9" * 400,
        "unknown_digits_5000": ',"more":' + "9" * 5000, "unknown_invalid_utf8": ',"more":"\xff"',
        "repeated": ',"name":"again"', "repeated_bad_last": ',"name":5', "comma_last": ",", "comma_double": ',,"more":5',
        "escaped_key": ',"\\u006eame":"again"', "escaped_key_bad": ',"\\u006eame":5', "other_case": ',"Name":5',
        "key_non_ascii": u(',"naïve":"x"'), "key_invalid_utf8": ',"\xff\xfe":"x"', "key_control": ',"a\x01":"x"', "key_number": ",5:6",
        "depth_100": ',"more":' + nest(100), "depth_object_100": ',"more":' + nest(100, pair="{}"),
    }.items():  # fmt: skip
        add(f"record-{name}", v1(record(more=text)))
    add("record-repeated-bad_first", v1('{"name":5,' + R[1:]))
    add("record-required_key_escaped", v1(R.replace('"name"', '"\\u006eame"')))
    for depth in (150, 190, 194, 195, 196, 197, 198, 199, 200, 201, 250, 300, 520, 3000):
        add(f"record-depth-{depth}", v1(record(more=',"more":' + nest(depth))))
    for name, text in {"array": "[]", "null": "null", "number": "5", "string": '"x"', "empty": "{}", "true": "true"}.items():
        add(f"record-is-{name}", v1(text))
    for name, text in {
        "empty": "[]", "empty_blank": "[ ]", "empty_newline": "[\n]", "two": v1(R, R), "blanks": f" [{R}]", "newline_first": f"\n[{R}]",
        "blank_inside": f"[ {R} , {R} ]", "newlines_inside": f"[\n{R}\n,\r\n\t{R}\n]", "newline_last": v1(R) + "\n", "blanks_last": v1(R) + " \t\r\n ",
        "comma_last": f"[{R},]", "comma_first": f"[,{R}]", "comma_double": f"[{R},,{R}]", "no_comma": f"[{R}{R}]", "garbage_last": v1(R) + "x",
        "two_documents": v1(R) + v1(R), "unclosed": f"[{R}", "double": f"[[{R}]]", "closed_twice": v1(R) + "]", "mismatched": f"[{R}" + "}",
        "bom": u("\ufeff") + v1(R), "nul_last": v1(R) + "\x00", "vertical_tab": v1(R) + "\x0b", "form_feed_inside": f"[\x0c{R}]",
        "nbsp_inside": u(f"[\u00a0{R}]"), "comment": f"[/* */{R}]", "extra_after": v1(R) + "\n###EXTRA###\n{}", "only_bracket": "[",
        "return_only": f"[\r{R}\r]", "null_element": f"[{R},null]",
    }.items():  # fmt: skip
        add(f"v1-{name}", text)
    add("empty", "")
    for name, text in {
        "newline": "\n", "blank": " ", "bom": u("\ufeff"), "bom_object": u("\ufeff") + R, "word": "INFO all is well\n", "number": "5", "null": "null",
        "string": '"x"', "nul": "\x00", "binary": "\x89PNG\r\n\x1a\n", "invalid_utf8": "\xff\xfe", "gzip": "\x1f\x8b\x08", "brace": "{", "brace_close": "}",
        "empty_object": "{}", "other_object": '{"a":1}', "quote": '"',
    }.items():  # fmt: skip
        add(f"first-{name}", text)

    # the object form
    for name, text in {
        "plain": v2(), "no_records": '{"extended":true,"version":2}', "only_extended": '{"extended":true}', "no_version": f'{{"extended":true,"records":{v1(R)}}}',
        "version_3": v2(version="3"), "version_float": v2(version="2.0"), "version_fraction": v2(version="2.5"), "version_string": v2(version='"2"'),
        "version_null": v2(version="null"), "version_true": v2(version="true"), "version_nan": v2(version="NaN"), "version_huge": v2(version="9" * 30),
        "records_null": v2(records="null"), "records_object": v2(records="{}"), "records_empty": v2(records="[]"), "records_blank": v2(records="[ \n ]"),
        "records_bad": v2(records=v1(record(without="MDC"))), "records_two": v2(records=v1(R, R)), "blank_first": " " + v2(),
        "blank_before_extended": v2().replace('{"ext', '{ "ext'), "blank_after_extended": v2().replace('d":true', 'd": true'),
        "blank_after_true": v2().replace("true,", "true ,"), "false": v2().replace("true", "false"), "true_long": v2().replace("true", "truex"),
        "true_then_digit": v2().replace("true", "true1"), "extended_again_true": v2('"extended":true'), "extended_again_false": v2('"extended":false'),
        "extended_again_one": v2('"extended":1'), "version_again": v2('"version":3'), "version_again_bad": v2('"version":null'),
        "records_again": v2(f'"records":{v1(R, R)}'), "records_again_empty": v2('"records":[]'), "records_again_bad": v2('"records":[{}]'),
        "records_bad_then_good": v2(f'"records":{v1(R)}', records="[{}]"), "pretty": v2().replace(",", ",\n "), "newline_last": v2() + "\n",
        "garbage_last": v2() + "x", "two_documents": v2() + v2(), "unclosed": v2()[:-1], "comma_last": v2()[:-1] + ",}", "order": f'{{"extended":true,"records":{v1(R)},"version":2}}',
        "unknown": v2('"more":[1,{"a":NaN}]'), "unknown_bad": v2('"more":02'), "unknown_surrogate": v2('"more":"\\ud800"'), "unknown_digits_5000": v2('"more":' + "1" * 5000),
        "unknown_key_surrogate": v2('"\\ud800":1'), "key_escaped": v2(extra()).replace('"exception"', '"\\u0065xception"'), "crlf": v2().replace(",", ",\r\n"),
        "unknown_depth_150": v2('"more":' + nest(150)), "unknown_depth_198": v2('"more":' + nest(198)), "unknown_depth_199": v2('"more":' + nest(199)), "unknown_depth_200": v2('"more":' + nest(200)),
        "unknown_depth_201": v2('"more":' + nest(201)), "unknown_depth_object_199": v2('"more":' + nest(199, pair="{}")),
    }.items():  # fmt: skip
        add(f"v2-{name}", text)

    # the extra
    full_md = task_md(quantum())
    for name, text in {
        "defaults": extra(), "exception_only": f'"exception":{exception()}', "exception_null": '"exception":null', "exception_empty": '"exception":{}',
        "exception_array": '"exception":[]', "exception_text": '"exception":"x"', "exception_without_type": '"exception":{"message":"m","metadata":{}}',
        "exception_without_message": '"exception":{"type_name":"t","metadata":{}}', "exception_without_metadata": '"exception":{"type_name":"t","message":"m"}',
        "exception_type_number": f'"exception":{exception(type_name="5")}', "exception_message_null": f'"exception":{exception(message="null")}',
        "exception_message_surrogate": f'"exception":{exception(message=chr(34) + chr(92) + "ud800" + chr(34))}', "exception_metadata_null": f'"exception":{exception("null")}',
        "exception_metadata_array": f'"exception":{exception("[]")}', "exception_metadata_nested": '"exception":' + exception('{"a":{}}'), "exception_metadata_list": '"exception":' + exception('{"a":[1]}'),
        "exception_unknown": f'"exception":{exception(more=chr(44) + chr(34) + "x" + chr(34) + ":[1]")}',
        "exception_repeated": '"exception":5,' + extra(exception()), "exception_repeated_metadata": '"exception":{"metadata":{"a":[]},"type_name":"t","message":"m","metadata":{}}',
        "exception_accents": u(f'"exception":{exception(message=chr(34) + "é" + chr(34))}'),
        "metadata": extra(metadata=full_md), "metadata_full": extra(metadata=METADATA_FULL), "metadata_empty": extra(metadata="{}"), "metadata_array": extra(metadata="[]"),
        "metadata_bad": extra(metadata=md('{"a":{}}')), "metadata_nan": extra(metadata=md('{"a":NaN,"b":Infinity}')), "metadata_mixed": extra(metadata=md(None, '{"a":["x",1]}')),
        "metadata_digits_400": extra(metadata=md('{"a":' + "9" * 400 + "}")),
        "quanta": extra(previous=f'["{OTHER}","{Q}"]'), "quanta_upper": extra(previous=f'["{OTHER.upper()}"]'), "quanta_no_dashes": extra(previous=f'["{OTHER.replace("-", "")}"]'),
        "quanta_urn": extra(previous=f'["urn:uuid:{OTHER}"]'), "quanta_braces": extra(previous='["{' + OTHER + '}"]'), "quanta_bad": extra(previous='["x"]'),
        "quanta_short": extra(previous=f'["{OTHER[:-1]}"]'), "quanta_number": extra(previous="[5]"), "quanta_null": extra(previous="null"), "quanta_null_element": extra(previous="[null]"),
        "quanta_object": extra(previous="{}"), "quanta_blank": extra(previous=f'[" {OTHER}"]'), "quanta_dashes_elsewhere": extra(previous='["01a203df2-de6-748b-a35f-f70913e0eeee"]'),
        "quanta_escaped": extra(previous=f'["\\u0030{OTHER[1:]}"]'), "quanta_nil": extra(previous='["00000000-0000-0000-0000-000000000000"]'), "quanta_empty_blank": extra(previous="[ \n]"),
        "quanta_spread": extra(previous=f'[ "{OTHER}" ,\n "{Q}" ]'),
        "logs_empty_blank": extra(logs="[ ]"), "logs_some": extra(logs=v1(R)), "logs_null": extra(logs="null"), "logs_bad": extra(logs="[{}]"),
        "attempts_null": extra(attempts="null"), "attempts_object": extra(attempts="{}"), "attempts_null_element": extra(attempts="[null]"), "attempts_empty_element": extra(attempts="[{}]"),
        "attempts_one": extra(attempts="[{" + extra(exception(), full_md, f'["{OTHER}"]', v1(R, R)) + "}]"), "attempts_bad_logs": extra(attempts='[{"logs":[{}]}]'),
        "attempts_nested": extra(attempts="[{" + extra(exception(message='"outer"'), attempts="[{" + extra(exception(message='"inner"'), logs=v1(R)) + "}]") + "}]"),
        "attempts_nested_two": extra(attempts="[{" + extra(attempts='[{"exception":' + exception(message='"a"') + "},{}]") + '},{"exception":' + exception(message='"c"') + "}]"),
        "attempts_unknown": extra(attempts='[{"more":5}]'), "attempts_metadata_null": extra(attempts='[{"metadata":null}]'), "attempts_repeated": '"previous_attempts":[{},{}],' + extra(attempts="[{}]"),
        "attempts_logs_blank": extra(attempts='[{"logs":[ ]}]'), "attempts_text": extra(attempts='["x"]'), "unknown_only": '"more":5', "empty_key": '"":5',
        "metadata_depth": extra(metadata=nest_md(50)),
    }.items():  # fmt: skip
        add(f"extra-{name}", v2(text))
        if name in ("defaults", "metadata_full", "attempts_one", "quanta", "exception_accents", "metadata_nan", "unknown_only"):
            add(f"stream-extra-{name}", R + "\n###EXTRA###\n{" + text + "}")
    for name, text in NUMBERS.items():
        add(f"extra-exception_metadata-{name}", v2(f'"exception":{exception(chr(123) + chr(34) + "a" + chr(34) + ":" + text + chr(125))}'))
    for depth in (30, 60, 80, 90, 94, 95, 96, 97, 98, 99, 100, 110):
        add(f"extra-metadata_depth-{depth}", v2(extra(metadata=nest_md(depth))))
        add(f"extra-attempt_metadata_depth-{depth}", v2(extra(attempts='[{"metadata":' + nest_md(depth) + "}]")))
    for depth in (10, 60, 90, 97, 98, 99, 100, 130):
        add(f"extra-attempts_depth-{depth}", v2('"previous_attempts":[{' * depth + "}]" * depth))

    # the stream
    mark = "###EXTRA###"
    for name, text in {
        "one": R, "one_newline": R + "\n", "two": f"{R}\n{R}\n", "two_cut": f"{R}\n{R}", "crlf": f"{R}\r\n{R}\r\n", "return_only": f"{R}\r{R}\r", "blank_lines": f"{R}\n\n\n{R}\n\n",
        "blanks_lines": f"{R}\n  \t\n{R}\n", "blank_last": f"{R} \n{R}\t \n", "blank_before": f"{R}\n  {R}\n", "form_feed_last": f"{R}\n{R}\x0c\n", "form_feed_first_line": f"{R}\x0c\n{R}\n",
        "control_line": f"{R}\n\x01\n{R}", "nul_line": f"{R}\n\x00\n{R}", "separator_line": f"{R}\n\x1c\n{R}", "vertical_tab_line": f"{R}\n\x0b\n", "nbsp_line": u(f"{R}\n\u00a0\n{R}"),
        "control_before": f"{R}\n\x01{R}", "vertical_tab_before": f"{R}\n\x0b{R}", "split": R.replace(",", ",\n", 1), "two_on_a_line": R + R, "array_line": f"{R}\n[{R}]\n", "word_line": f"{R}\nhello\n",
        "bad_line": f"{R}\n{record(without='MDC')}\n", "bad_first": record(without="MDC") + "\n" + R, "cut": f"{R}\n{R[:-20]}", "comma": f"{R},\n{R}\n", "v2_later": f"{R}\n{v2()}",
        "non_ascii": u(f"{record(message=chr(34) + 'é' + chr(34))}\n{record(message=chr(34) + '漢' + chr(34))}\n"), "invalid_utf8": f"{R}\n{record(message=chr(34) + chr(255) + chr(34))}\n",
        "line_separator": u(f"{record(message=chr(34) + 'a' + chr(0x2028) + 'b' + chr(34))}\n{R}"), "next_line": u(f"{record(message=chr(34) + 'a' + chr(0x85) + 'b' + chr(34))}\n{R}"),
        "extra_empty_object": f"{R}\n{mark}\n{{}}", "extra_none": f"{R}\n{mark}", "extra_newline_only": f"{R}\n{mark}\n", "extra_two_newlines": f"{R}\n{mark}\n\n", "extra_blank": f"{R}\n{mark}\n ",
        "extra_same_line": f"{R}\n{mark}{{}}", "extra_same_line_content": f'{R}\n{mark}{{"exception":{exception()}}}', "extra_same_line_garbage": f"{R}\n{mark} garbage\n{{}}",
        "extra_same_line_then_more": f'{R}\n{mark}{{"exception":5}}\n{{"exception":{exception()}}}', "extra_crlf": f"{R}\r\n{mark}\r\n{{}}\r\n", "extra_null": f"{R}\n{mark}\nnull", "extra_array": f"{R}\n{mark}\n[]",
        "extra_array_full": f"{R}\n{mark}\n[1]", "extra_number": f"{R}\n{mark}\n5", "extra_zero": f"{R}\n{mark}\n0", "extra_text": f'{R}\n{mark}\n"x"', "extra_empty_text": f'{R}\n{mark}\n""', "extra_false": f"{R}\n{mark}\nfalse",
        "extra_true": f"{R}\n{mark}\ntrue", "extra_nan": f"{R}\n{mark}\nNaN", "extra_garbage": f"{R}\n{mark}\nhello", "extra_trailing": f"{R}\n{mark}\n{{}}\nx", "extra_trailing_newlines": f"{R}\n{mark}\n{{}}\n\n", "extra_twice": f"{R}\n{mark}\n{mark}\n{{}}",
        "extra_pretty": f"{R}\n{mark}\n{{\n \"exception\": null\n}}\n", "extra_blank_before_mark": f"{R}\n {mark}\n{{}}", "extra_blank_line_before": f"{R}\n\n{mark}\n{{}}", "extra_first": f"{mark}\n{{}}", "extra_first_none": mark,
        "extra_first_newline": f"{mark}\n", "extra_first_content": f'{mark}\n{{"exception":{exception()}}}', "extra_first_garbage": f"{mark} x\n{{}}", "extra_first_cut": "###EXTRA##", "extra_records_after": f"{R}\n{mark}\n{{}}\n{R}",
        "extra_cut": f'{R}\n{mark}\n{{"exception":', "extra_logs": f'{R}\n{mark}\n{{"logs":{v1(R)}}}', "extra_invalid_utf8": f'{R}\n{mark}\n{{"x":"\xff"}}', "extra_return_only": f"{R}\r{mark}\r{{}}",
        "extra_nul": f"{R}\n{mark}\n{{}}\x00", "hash_line": f"{R}\n#\n", "mark_in_message": record(message=f'"{mark}"') + "\n" + R, "extended_later": R[:-1] + ',"extended":true}',
        "extra_deep_200": f'{R}\n{mark}\n{{"x":{nest(199)}}}', "extra_deep_201": f'{R}\n{mark}\n{{"x":{nest(200)}}}', "extra_deep_197": f'{R}\n{mark}\n{{"x":{nest(196)}}}', "extra_big": f'{R}\n{mark}\n{{"x":{"9" * 5000}}}',
        "extra_extended": f'{R}\n{mark}\n{{"extended":true,"version":2}}',
    }.items():  # fmt: skip
        add(f"stream-{name}", text)
    base = v2(extra(exception('{"a":1}'), full_md, f'["{OTHER}"]', attempts='[{"logs":' + v1(R) + "}]"))
    for i in range(24):
        add(f"truncated-v2-{i:02}", base[: 1 + i * len(base) // 24])
    stream = f"{R}\n{R}\n{mark}\n{{{extra(exception())}}}"
    for i in range(16):
        add(f"truncated-stream-{i:02}", stream[: 1 + i * len(stream) // 16])
    for name, document in mutations("v1", v1(R, record(message=u('"é\\ud83d\\ude00"'))), 40):
        add(name, document)
    for name, document in mutations("v2", base, 90):
        add(name, document)
    for name, document in mutations("stream", stream, 50):
        add(name, document)
    return cases


def metadata_cases():
    cases = {}

    def add(name, document):
        assert name not in cases, name
        cases[name] = document

    for name, text in NUMBERS.items():
        add(f"scalar-{name}", md(f'{{"a":{text}}}'))
        add(f"array-one-{name}", md(None, f'{{"a":[{text}]}}'))
        add(f"array-after_number-{name}", md(None, f'{{"a":[1.5,{text}]}}'))
        add(f"array-after_text-{name}", md(None, f'{{"a":["x",{text}]}}'))
        add(f"quantum-outputs-mixed-{name}", task_md(quantum(outputs=f'["{IMAGE}",{text}]')))
    for name, text in STRINGS.items():
        add(f"string-{name}", md(f'{{"a":{text}}}'))
        add(f"key-{name}", md(f'{{{text}:"x"}}'))
        add(f"array-string-{name}", md(None, f'{{"a":["x",{text}]}}'))
    for name, text in {
        "empty_object": "{}", "all_empty": md("{}", "{}", "{}"), "full": METADATA_FULL, "null": "null", "array": "[]", "number": "5", "text": '"x"', "empty": "", "blank": " ", "newline_last": "{}\n",
        "blanks_around": " \n{ } \t\r\n", "bom": u("\ufeff{}"), "garbage_last": "{}x", "two": "{}{}", "nul_last": "{}\x00", "unclosed": "{", "scalars_null": md("null"), "scalars_array": md("[]"),
        "arrays_null": md(None, "null"), "arrays_array": md(None, "[]"), "metadata_null": md(None, None, "null"), "metadata_array": md(None, None, "[]"), "nested_null": md(None, None, '{"a":null}'),
        "nested_number": md(None, None, '{"a":5}'), "array_is_scalar": md(None, '{"a":5}'), "array_is_null": md(None, '{"a":null}'), "array_is_object": md(None, '{"a":{}}'), "array_nested": md(None, '{"a":[[1]]}'),
        "array_nested_empty": md(None, '{"a":[[]]}'), "array_object": md(None, '{"a":[{}]}'), "unknown": '{"more":{"a":[1,null,"x"]}}', "unknown_bad": '{"more":[1,]}', "unknown_nested": md(None, None, '{"a":{"more":[[]]}}'),
        "repeated": '{"scalars":{"a":1},"scalars":{"b":2}}', "repeated_bad_first": '{"scalars":5,"scalars":{}}', "repeated_bad_last": '{"scalars":{},"scalars":5}', "repeated_value_bad_first": md('{"a":{},"a":1}'),
        "repeated_value_bad_last": md('{"a":1,"a":{}}'), "repeated_array_mixed_first": md(None, '{"a":["x",1],"a":[1]}'), "escaped_keys": '{"\\u0073calars":{"a":1}}', "escaped_keys_bad": '{"\\u0073calars":5}',
        "bool_numbers": md(None, '{"a":[true,1,2.5,"3",null,NaN,"inf"]}'), "bool_text": md(None, '{"a":[true,"x"]}'), "text_bool": md(None, '{"a":["x",true]}'), "text_numeric": md(None, '{"a":["x","1","nan"]}'),
        "numeric_text_number": md(None, '{"a":["1","2",3]}'), "null_text": md(None, '{"a":[null,"x"]}'), "array_huge": md(None, '{"a":["x","' + "9" * 400 + '"]}'), "text_digits_400": md('{"a":"' + "9" * 400 + '"}'),
        "text_exponent_huge": md('{"a":"1e99999"}'), "text_long": md('{"a":"' + "x" * 5000 + '"}'), "key_long": md('{"' + "k" * 300 + '":1}'), "key_dots": md('{"a.b":1}'), "key_empty": md('{"":1}'),
    }.items():  # fmt: skip
        add(f"document-{name}", text)
    for depth in (30, 90, 94, 95, 96, 97, 98, 99, 100, 101, 110, 130, 300):
        add(f"depth-{depth}", nest_md(depth))
        add(f"depth-unknown-{depth}", '{"more":' + nest(2 * depth) + "}")
    # what provenance takes from the `quantum` section
    for name, text in {
        **{f"number-{k}": NUMBERS[k] for k in ("integer", "integral_float", "fraction", "true", "false", "null", "nan", "infinity", "string_integer", "string_float", "string_word", "string_nan", "negative", "huge_float", "digits_30", "int64_above")},
        "zero": "0", "all": "127", "unknown_bit": "128", "unknown_and_known": "131", "float": "67.0", "near": "67.9", "minus_one": "-1", "minus_eight": "-8", "minus_big": "-200", "text_spaces": '" 67 "',
    }.items():  # fmt: skip
        add(f"caveats-{name}", task_md(quantum(f'{{"caveats":{text}}}')))
        add(f"caveats-array-{name}", task_md(quantum("{}", caveats=f"[1,{text}]")))
    add("caveats-absent", task_md(quantum("{}")))
    add("caveats-array-empty", task_md(quantum("{}", caveats="[]")))
    add("caveats-both", task_md(quantum('{"caveats":1}', caveats="[2]")))
    add("caveats-nested", task_md(md("{}", None, '{"caveats":{}}')))
    for key in TIMES:
        add(f"quantum-without-{key}", task_md(quantum(without=key)))
        add(f"quantum-empty-{key}", task_md(quantum(**{key: "[]"})))
        add(f"quantum-numbers-{key}", task_md(quantum(**{key: "[1.5,2.5]"})))
        add(f"quantum-word-{key}", task_md(quantum(**{key: '["soon"]'})))
        add(f"quantum-null-{key}", task_md(quantum(**{key: "[null]"})))
        add(f"quantum-infinite-{key}", task_md(quantum(**{key: "[Infinity]"})))
    add("quantum-without-start", task_md(quantum(without=("initUtc", "startUtc", "startCpuTime"))))
    add("quantum-without-cpu", task_md(quantum(without=("startCpuTime", "endCpuTime"))))
    add("quantum-scalar-times", task_md(quantum('{"prepUtc":"2026-11-22T15:00:00+00:00"}', without="prepUtc")))
    add("quantum-two-values", task_md(quantum(endUtc='["2026-11-22T15:00:00+00:00","2026-11-22T16:00:00.5+00:00"]', endMaxResidentSetSize="[1,2]")))
    add("quantum-empty", task_md("{}"))
    add("quantum-number-scalar", md('{"quantum":5}'))
    add("quantum-no-section", task_md())
    for i, text in enumerate(DATETIMES):
        add(f"quantum-prepUtc-{i:03}", task_md(quantum(prepUtc=u(f"[{json.dumps(text, ensure_ascii=False)}]"))))
    for name, text in {
        "none": "[]", "all": f'["{IMAGE}","{CATALOG}"]', "catalog": f'["{CATALOG}"]', "repeated": f'["{IMAGE}","{IMAGE}"]', "upper": f'["{IMAGE.upper()}"]', "no_dashes": f'["{IMAGE.replace("-", "")}"]', "braces": '["{' + IMAGE + '}"]',
        "unpredicted": f'["{OTHER}"]', "log": f'["{IMAGE}","{LOG}","{METADATA}"]', "word": '["x"]', "number": "[5]",
    }.items():  # fmt: skip
        add(f"outputs-{name}", task_md(quantum(outputs=text)))
    add("outputs-scalar", task_md(quantum(f'{{"outputs":"{CATALOG}"}}', without="outputs")))
    add("outputs-scalar-and-array", task_md(quantum(f'{{"outputs":"{CATALOG}"}}')))
    add("outputs-absent", task_md(quantum(without="outputs")))

    def failure(scalars='{"type":"t","message":"m"}', arrays=None, nested=None):
        return task_md(quantum(), md("{}", None, '{"failure":' + md(scalars, arrays, nested) + "}"))

    for name, text in NUMBERS.items():
        add(f"failure-metadata-{name}", failure(nested=f'{{"metadata":{md(chr(123) + chr(34) + "a" + chr(34) + ":" + text + chr(125))}}}'))
    for name, text in {
        "plain": failure(), "without_type": failure('{"message":"m"}'), "without_message": failure('{"type":"t"}'), "empty": failure("{}"), "type_number": failure('{"type":5,"message":"m"}'), "message_numeric": failure('{"type":"t","message":"12"}'),
        "message_nan": failure('{"type":"t","message":"nan"}'), "message_null": failure('{"type":"t","message":null}'), "type_array": failure('{"message":"m"}', '{"type":["a","t"]}'), "type_in_both": failure('{"type":"t","message":"m"}', '{"type":["a"]}'),
        "nested_empty": failure(nested='{"metadata":{}}'), "nested_arrays": failure(nested='{"metadata":' + md('{"a":1}', '{"b":[1]}', '{"c":{}}') + "}"), "nested_other": failure(nested='{"other":{}}'), "nested_twice": failure(nested='{"metadata":' + md('{"a":1}') + ',"metadata":' + md('{"b":2}') + "}"),
        "message_escapes": failure('{"type":"t","message":"\\"\\\\\\n\\u0000\\u00e9\\ud83d\\ude00"}'), "message_accents": u(failure('{"type":"t","message":"é漢\u2028"}')), "key_escapes": failure(nested='{"metadata":' + md('{"\\u00e9\\n":"\\ud83d\\ude00"}') + "}"),
        "in_other_task": md(None, None, '{"other":' + md(None, None, '{"failure":' + md('{"type":"t","message":"m"}') + "}") + f',"quantum":{quantum()}' + "}"), "scalar": task_md(quantum(), md('{"failure":"x"}')),
        "repeated": task_md(quantum(), md("{}", None, '{"failure":' + md('{"type":"t","message":"1st"}') + ',"failure":' + md('{"type":"t","message":"2nd"}') + "}")),
        "key_in_both": failure(nested='{"metadata":' + md('{"a":1,"b":2}', '{"a":[1]}') + "}"),
    }.items():  # fmt: skip
        add(f"failure-{name}", text)
    for name, document in mutations("md", METADATA_FULL, 90):
        add(name, document)
    return cases


TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*|true|false|null|NaN|-?Infinity|[\[\]{}:,]')
TOKENS = [
    "null", "true", "1", "1.5", "NaN", "-Infinity", '"x"', '""', "[]", "{}", "[1]", '{"a":1}', "02", '"\\ud800"', '"\\u00e9"', ",", ":", "}", "]", "{", "[", '"12"', "1e400", '"\xff"',
    '"\t"', "", " ", "\n", "9" * 320, "\\", '"',
]  # fmt: skip


def mutations(kind, base, n):
    """Documents with one to three tokens replaced, removed, swapped or repeated."""
    random_ = random.Random(f"{SEED} {kind}")
    for i in range(n):
        text = base
        for _ in range(random_.choice([1, 1, 1, 2, 3])):
            tokens = list(TOKEN.finditer(text))
            if not tokens:
                break
            token = random_.choice(tokens)
            action = random_.choice(["replace", "replace", "replace", "remove", "repeat", "swap", "byte"])
            if action == "replace":
                text = text[: token.start()] + random_.choice(TOKENS) + text[token.end() :]
            elif action == "remove":
                text = text[: token.start()] + text[token.end() :]
            elif action == "repeat":
                text = text[: token.end()] + token.group() + text[token.end() :]
            elif action == "swap":
                other = random_.choice(tokens)
                a, b = sorted((token, other), key=lambda t: t.start())
                if a.end() <= b.start():
                    text = text[: a.start()] + b.group() + text[a.end() : b.start()] + a.group() + text[b.end() :]
            else:
                at = random_.randrange(len(text))
                text = text[:at] + chr(random_.choice([0, 1, 9, 10, 0x20, 0x22, 0x2C, 0x5B, 0x5D, 0x7B, 0x7D, 0x80, 0xC3, 0xFF])) + text[at + 1 :]
        yield f"mutation-{kind}-{i:03}", text


def assembly_cases():
    """Pairs of files, and how they come together."""
    failed_md = task_md(quantum())
    partial = task_md(quantum('{"caveats":67}'), md("{}", None, '{"failure":' + md('{"type":"t","message":"m"}', None, '{"metadata":' + md('{"n":1}') + "}") + "}"))
    logs = {
        "none": None,
        "empty": "",
        "v1": v1(R, R),
        "stream": f"{R}\n{R}\n",
        "plain": v2(),
        "defaults": v2(extra()),
        "quanta": v2(extra(previous=f'["{OTHER}"]')),
        "exception": v2(extra(exception('{"a":1,"b":NaN}'))),
        "metadata": v2(extra(metadata=failed_md)),
        "both": v2(extra(exception(), task_md(quantum(outputs=f'["{CATALOG}"]')), f'["{OTHER}"]')),
        "retried": v2(extra(attempts="[{" + extra(exception(message='"first"'), failed_md, f'["{OTHER}"]', v1(R)) + "}]")),
        "retried_failed": v2(
            extra(
                exception(message='"third"'), task_md(quantum(outputs="[]")),
                attempts="[{" + extra(exception(message='"first"'), failed_md, logs=v1(R)) + '},{"logs":' + v1(R, R) + "}]",
            )
        ),
        "retried_no_metadata": v2(extra(attempts="[{" + extra(exception(), failed_md) + "}]")),
        "nested": v2(extra(attempts="[{" + extra(exception(message='"b"'), attempts="[{" + extra(exception(message='"a"'), failed_md) + "}]") + "}]")),
        "stream_extra": f"{R}\n###EXTRA###\n" + '{"exception":' + exception() + ',"metadata":{}}',
        "extra_without_quantum": v2(extra(metadata=md('{"a":1}'))),
        "extra_without_times": v2(extra(metadata=task_md(md()))),
        "attempt_without_times": v2(extra(attempts='[{"metadata":' + task_md(md()) + "}]")),
        "own_logs": v2(extra(logs=v1(R))),
    }  # fmt: skip
    metadatas = {
        "none": None,
        "plain": task_md(quantum()),
        "empty": "{}",
        "partial": partial,
        "no_outputs": task_md(quantum('{"caveats":7}', outputs="[]")),
        "outputs_unknown": task_md(quantum(without="outputs")),
    }
    for log_name, log in logs.items():
        for metadata_name, metadata in metadatas.items():
            for incomplete in (False, True):
                if incomplete and metadata_name not in ("none", "plain"):
                    continue
                name = f"log_{log_name}-metadata_{metadata_name}{'-incomplete' if incomplete else ''}"
                yield {"name": name, "log": log, "metadata": metadata, "incomplete": incomplete}


def all_cases():
    for name, document in log_cases().items():
        yield {"name": f"log/{name}", "log": document, "metadata": None, "incomplete": False}
    for name, document in metadata_cases().items():
        yield {"name": f"metadata/{name}", "log": None, "metadata": document, "incomplete": False}
    for case in assembly_cases():
        yield {**case, "name": f"both/{case['name']}"}


# --- what the reference makes of them ---------------------------------------------------------------


def reason(error):
    if isinstance(error, pydantic.ValidationError):
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        return f"{type(error).__name__}: {'.'.join(str(x) for x in first['loc'])[:80]}: {first['msg'][:120]}"
    return f"{type(error).__name__}: {str(error)[:120]}"


def read_log(document):
    if document is None:
        return None
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "log.json")
        with open(path, "wb") as file:
            file.write(document.encode("latin-1"))
        return ButlerLogRecords.from_file(path)


def read_metadata(document):
    return None if document is None else TaskMetadata.model_validate_json(document.encode("latin-1"))


def answer(case):
    predicted = PredictedQuantumDatasetsModel.model_validate(PREDICTED)
    stage = "log"
    try:
        logs = read_log(case["log"])
        stage = "metadata"
        metadata = read_metadata(case["metadata"])
        stage = "assembly"
        models = ProvenanceQuantumScanModels.from_metadata_and_logs(
            predicted, metadata, logs, incomplete=case["incomplete"]
        )
        result = {"accepted": True, "scan_status": models.status.name}
        if models.status.name == "ABANDONED":
            return result
        quantum_model = ProvenanceQuantumModel.from_predicted(predicted)
        quantum_model.attempts = models.attempts
        result["existence"] = {str(k): v for k, v in models.output_existence.items()}
        stage = "writing"
        texts = {
            "quantum": quantum_model.model_dump_json(),
            "logs": models.logs.model_dump_json(),
            "metadata": models.metadata.model_dump_json(),
        }
        result["texts"] = texts
        return result
    except Exception as error:
        return {"accepted": False, "stage": stage, "reason": reason(error)}


MODELS = {
    "quantum": ProvenanceQuantumModel,
    "logs": ProvenanceLogRecordsModel,
    "metadata": ProvenanceTaskMetadataModel,
}


def read_block(kind, text):
    """The reference's reading of a block, written again by the reference, or why it refuses."""
    try:
        return {"accepted": True, "text": MODELS[kind].model_validate_json(text).model_dump_json()}
    except Exception as error:
        return {"accepted": False, "reason": reason(error)}


def digest(text):
    return hashlib.sha256(text).hexdigest()


def documents(output):
    cases = []
    for case in all_cases():
        reference = answer(case)
        cases.append({**case, "reference": reference})
    with open(output, "w") as file:
        json.dump({"label": LABEL, "predicted": PREDICTED, "version": lsst.pipe.base.__version__, "cases": cases}, file)


def blocks(source, output):
    """Source: documents file with `blocks` in each case that the other program accepts."""
    with open(source) as file:
        data = json.load(file)
    for case in data["cases"]:
        reference = case["reference"]
        own = reference.get("texts")
        if own is not None:
            # What the reference can't read back of its own is no measure for others.
            reference["unreadable"] = [k for k in own if not read_block(k, own[k].encode())["accepted"]]
        for kind, block in (case.get("blocks") or {}).items():
            text = block.pop("text").encode("latin-1")
            block["sha256"] = digest(text)
            read = read_block(kind, text)
            block["accepted"] = read["accepted"]
            if not read["accepted"]:
                block["reason"] = read["reason"]
            elif own is not None and read["text"] != own[kind]:
                block["differs"] = {"ours": read["text"], "reference": own[kind]}
        if own is not None:
            reference["attempts"] = json.loads(own["quantum"])["attempts"]
            reference["n_log_records"] = [None if a is None else len(a) for a in json.loads(own["logs"])["attempts"]]
            reference["has_metadata"] = [a is not None for a in json.loads(own["metadata"])["attempts"]]
            del reference["texts"]
    with open(output, "w") as file:
        json.dump(data, file)


if __name__ == "__main__":
    {"documents": documents, "blocks": blocks}[sys.argv[1]](*sys.argv[2:])
