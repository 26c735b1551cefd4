"""Make a provenance graph with what executed fixtures don't have.

    python make_rare_states.py PROVENANCE_GRAPH OUTPUT

Quanta of `calibrate` and `warp` of a finished graph get states and caveats
that the aggregator never writes (ABORTED, UNKNOWN), or that need unusual
tasks; addresses and all else stay as they are.  Run with the reference's
Python, for zstandard.
"""

import json
import sys
import zipfile

import zstandard

EXCEPTION = {
    "type_name": "m\u00f6d.\u00c9rror",
    "message": '"quotes" \u00e9 \x1b[31m \u202e </pre><script>document.title="run"</script><img src=x onerror=alert(1)> & | `a` @all',
    "metadata": {"n": 1.5},
}

# What becomes of the quanta of a task, in the order of the file.
CHANGES = {
    "calibrate": [
        dict(status=-4),
        dict(status=-3),
        dict(status=-4, exception=EXCEPTION),
        dict(status=1, caveats=1),
        dict(status=1, caveats=3),
        dict(status=1, caveats=1),
        dict(status=1, caveats=15, exception=EXCEPTION),
        dict(status=1, caveats=0),
        dict(status=1, caveats=None),
    ],
    "consolidate": [dict(status=1, caveats=2)] * 4,
    "warp": [dict(status=1, caveats=c) for c in (20, 21, 22, 36, 37, 64, 68, 69, 4, 6, 127)] + [dict(status=-1, exception=EXCEPTION)],
}


def main(source: str, target: str) -> None:
    with zipfile.ZipFile(source) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    assert not members.get("compression_dict"), "only for graphs without dictionary"
    header = json.loads(zstandard.decompress(members["header.json.zst"]))
    width = header["int_size"]
    data = members["quanta.mb"]
    moved: dict[tuple[int, int], tuple[int, int]] = {}
    result = b""
    position = 0
    counts: dict[str, int] = {}
    while position < len(data):
        size = int.from_bytes(data[position : position + width])
        block = zstandard.decompress(data[position + width : position + width + size])
        quantum = json.loads(block)
        label = quantum["task_label"]
        n = counts[label] = counts.get(label, -1) + 1
        changes = CHANGES.get(label, [])
        if n < len(changes):
            attempt = {
                "attempt": 0, "status": -3, "caveats": None, "exception": None, "resource_usage": None,
                "previous_process_quanta": [],
            }  # fmt: skip
            quantum["attempts"] = quantum["attempts"][:1] or [attempt]
            quantum["attempts"][-1].update(changes[n])
            block = json.dumps(quantum, separators=(",", ":"), ensure_ascii=False).encode()
        frame = zstandard.ZstdCompressor(10).compress(block)
        moved[position, width + size] = (len(result), width + len(frame))
        result += len(frame).to_bytes(width) + frame
        position += width + size
    members["quanta.mb"] = result
    # Rows: 16 bytes of UUID, then integers: index, and offset and size in datasets, quanta, logs, metadata.
    addresses = bytearray(members["nodes.addr"])
    row_size = 16 + 9 * width
    start = len(addresses) % row_size
    for at in range(start, len(addresses), row_size):
        field = at + 16 + 3 * width
        key = (
            int.from_bytes(addresses[field : field + width]),
            int.from_bytes(addresses[field + width : field + 2 * width]),
        )
        if key[1] == 0:
            continue
        offset, size = moved[key]
        addresses[field : field + width] = offset.to_bytes(width)
        addresses[field + width : field + 2 * width] = size.to_bytes(width)
    members["nodes.addr"] = bytes(addresses)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content)


main(*sys.argv[1:])
