/** `check FILE`: nothing to find in sound files, and every kind of damage found and named. */

import assert from "node:assert/strict";
import { InvalidQuantumGraphFileError, RefusedError } from "../../../lib/base/errors.ts";
import { writeBigEndian } from "../../../lib/base/bytes.ts";
import {
  buildZip,
  PREDICTED,
  PREDICTED_TRAINED,
  PROVENANCE,
  type TestMember,
  zipMembers,
} from "../../qg/support.ts";
import { FIXTURES } from "../../support/fixtures.ts";
import { checkBytes, EditedGraph } from "./support.ts";

const encoder = new TextEncoder();

function* graphs(directory: string): Generator<string> {
  for (const entry of Deno.readDirSync(directory)) {
    const path = `${directory}/${entry.name}`;
    if (entry.isDirectory) yield* graphs(path);
    else if (entry.name.endsWith(".qg")) yield path;
  }
}

for (const path of [...graphs(FIXTURES), PREDICTED_TRAINED]) {
  Deno.test(`checkFile() finds nothing when it gets ${path.slice(FIXTURES.length)}`, async () => {
    for (const readData of [false, true]) {
      const { lines, findings } = await checkBytes(Deno.readFileSync(path), readData);
      assert.deepEqual(lines, []);
      assert.deepEqual(findings.notes, []);
    }
  });
}

/** One damage and the problems that must be found, and no others. */
interface Damage {
  name: string;
  /** Edits texts and rows. */
  edit?: (graph: EditedGraph) => void;
  /** Edits members; checksums are computed afterwards. */
  members?: (members: TestMember[]) => TestMember[];
  kinds: string[];
  /** Matched by one of the lines. */
  line: RegExp;
  /** Found only when the data are read. */
  inData?: boolean;
}

/** Sizes of members and rows of the reference's file. */
const ADDRESS_HEADER = 17;
const ROW = 16 + 8 * 9;

function editMember(
  name: string,
  change: (data: Uint8Array) => Uint8Array | void,
): (members: TestMember[]) => TestMember[] {
  return (members) =>
    members.map((member) => {
      if (member.name !== name) return member;
      const data = member.data.slice();
      return { name, data: change(data) ?? data };
    });
}

/** First row, from `from` on, that has an address in a column. */
function rowWith(data: Uint8Array, column: number, from = 0): number {
  for (let row = from;; row++) {
    const at = ADDRESS_HEADER + row * ROW + 24 + 16 * column;
    if (data.subarray(at + 8, at + 16).some((byte) => byte !== 0)) return at;
  }
}

const DAMAGES: Damage[] = [
  ...["pipeline_graph.json.zst", "packages.json.zst", "init_quanta.json.zst", "quanta.mb"].map((
    name,
  ): Damage => ({
    name: `${name} is missing`,
    members: (members) => members.filter((member) => member.name !== name),
    kinds: name === "quanta.mb" ? ["count", "missing-member"] : ["missing-member"],
    line: new RegExp(`missing-member: x.qg: ${name}: it isn't there`),
  })),
  {
    name: "nodes.addr is missing",
    members: (members) => members.filter((member) => member.name !== "nodes.addr"),
    kinds: ["missing-member"],
    line: /nodes\.addr/,
  },
  {
    name: "a document is no frame",
    members: editMember("packages.json.zst", () => encoder.encode("junk")),
    kinds: ["damaged-document"],
    line: /packages\.json\.zst/,
  },
  {
    name: "a document is no JSON",
    edit: ({ documents }) => documents.set("init_quanta.json.zst", "[{]"),
    kinds: ["damaged-document"],
    line: /init_quanta\.json\.zst/,
  },
  {
    name: "the header isn't JSON",
    edit: ({ documents }) => documents.set("header.json.zst", "{"),
    kinds: ["damaged-document"],
    line: /header\.json\.zst/,
  },
  {
    name: "the header counts other quanta",
    edit: ({ documents }) =>
      documents.set(
        "header.json.zst",
        EditedGraph.json(documents.get("header.json.zst")!, (header) => header.n_quanta = 54),
      ),
    kinds: ["count"],
    line: /quanta\.mb: it has 53 blocks, the header says 54 quanta/,
  },
  {
    name: "the header counts other datasets",
    edit: ({ documents }) =>
      documents.set(
        "header.json.zst",
        EditedGraph.json(documents.get("header.json.zst")!, (header) => header.n_datasets = 212),
      ),
    kinds: ["count"],
    line: /datasets\.mb: it has 209 blocks, the header says 212 datasets/,
  },
  {
    name: "the header counts other quanta of a task",
    edit: ({ documents }) =>
      documents.set(
        "header.json.zst",
        EditedGraph.json(documents.get("header.json.zst")!, (header) => {
          (header.n_task_quanta as Record<string, number>).warp--;
        }),
      ),
    kinds: ["count"],
    line: /quanta of task "warp", the header says/,
    inData: true,
  },
  {
    name: "the last block is cut",
    members: editMember("quanta.mb", (data) => data.subarray(0, data.length - 5)),
    kinds: ["address-range", "block-framing", "count"],
    line: /block-framing: x\.qg: quanta\.mb, byte \d+: the block says \d+ bytes, only \d+ are left/,
  },
  {
    name: "a block claims to be longer than its member",
    members: editMember("logs.mb", (data) => writeBigEndian(data, 0, 8, 2 ** 40)),
    kinds: ["block-framing"],
    line: /logs\.mb, byte 0/,
  },
  {
    name: "a block's length exceeds all numbers",
    members: editMember("metadata.mb", (data) => void data.fill(255, 0, 8)),
    kinds: ["block-framing"],
    line: /metadata\.mb, byte 0: the block says more than 2\^53 bytes/,
  },
  {
    name: "the address file has another int_size",
    members: editMember("nodes.addr", (data) => void (data[0] = 4)),
    kinds: ["address-header"],
    line: /nodes\.addr: int_size is 4, expected 8/,
  },
  {
    name: "the address file has another number of rows",
    members: editMember("nodes.addr", (data) => writeBigEndian(data, 1, 8, 1000)),
    kinds: ["address-header"],
    line: /expected \d+ for 1000 rows/,
  },
  {
    name: "two rows are swapped",
    edit: ({ rows }) => void ([rows[3], rows[4]] = [rows[4], rows[3]]),
    kinds: ["address-order"],
    line: /nodes\.addr, row 4: [-0-9a-f]{36} is not greater than the id before it/,
  },
  {
    name: "a row occurs twice",
    edit: ({ rows }) => rows.splice(5, 0, { ...rows[5] }),
    kinds: ["address-order", "count", "shared-block"],
    line: /nodes\.addr, row 6: /,
  },
  {
    name: "a row's number is wrong",
    members: editMember(
      "nodes.addr",
      (data) => writeBigEndian(data, ADDRESS_HEADER + 7 * ROW + 16, 8, 8),
    ),
    kinds: ["address-index"],
    line: /nodes\.addr, row 7: it says it is row 8/,
  },
  {
    name: "an offset is beside a block",
    members: editMember("nodes.addr", (data) => void data[rowWith(data, 1) + 7]++),
    kinds: ["address-target", "orphan-block"],
    line: /points at \d+ bytes at \d+ of quanta\.mb, where no block is/,
  },
  {
    name: "a size is not that of the block",
    members: editMember("nodes.addr", (data) => void data[rowWith(data, 0) + 15]--),
    kinds: ["address-target", "orphan-block"],
    line: /of datasets\.mb, where no block is/,
  },
  {
    name: "an address leaves its member",
    members: editMember("nodes.addr", (data) => void (data[rowWith(data, 3) + 3] = 1)),
    kinds: ["address-range", "unfiled-block"],
    line: /address-range: x\.qg: nodes\.addr, row \d+: .* of metadata\.mb, which has \d+/,
  },
  {
    name: "an address exceeds all numbers",
    members: editMember(
      "nodes.addr",
      (data) => void data.fill(255, ADDRESS_HEADER + 24, ADDRESS_HEADER + 32),
    ),
    kinds: ["address-range", "orphan-block"],
    line: /row 0: an offset or size exceeds 2\^53 - 1/,
  },
  {
    name: "a row points nowhere",
    edit: ({ rows }) =>
      void (rows.find((row) => row.blocks[0] !== null)!.blocks = [null, null, null, null]),
    kinds: ["empty-row", "orphan-block"],
    line: /nodes\.addr, row \d+: [-0-9a-f]{36} has no address/,
  },
  {
    name: "a row is missing",
    edit: ({ rows }) =>
      void rows.splice(
        rows.findIndex((row) => row.blocks[1] !== null && row.blocks[2] === null),
        1,
      ),
    kinds: ["count", "orphan-block"],
    line: /orphan-block: x\.qg: quanta\.mb, block at byte \d+: no address points at it/,
  },
  {
    name: "there is a block too many",
    edit: ({ blocks }) => void blocks.get("datasets.mb")!.push(blocks.get("datasets.mb")![0]),
    kinds: ["count", "orphan-block"],
    line: /orphan-block: x\.qg: datasets\.mb, block at byte/,
  },
  {
    name: "two quanta share a block",
    edit: ({ rows }) => {
      const [a, b] = rows.filter((row) => row.blocks[1] !== null && row.blocks[2] === null);
      b.blocks[1] = a.blocks[1];
    },
    kinds: ["orphan-block", "shared-block"],
    line: /shared-block: x\.qg: nodes\.addr, row \d+: .* as row \d+ does already/,
  },
  {
    name: "a log isn't filed under its dataset",
    edit: ({ rows }) =>
      void (rows.find((row) => row.blocks[0] !== null && row.blocks[2] !== null)!.blocks[2] = null),
    kinds: ["unfiled-block"],
    line: /logs\.mb, block at byte \d+: it has no address under its dataset/,
  },
  {
    name: "metadata aren't filed under their quantum",
    edit: ({ rows }) =>
      void (rows.find((row) => row.blocks[1] !== null && row.blocks[3] !== null)!.blocks[3] = null),
    kinds: ["unfiled-block"],
    line: /metadata\.mb, block at byte \d+: it has no address under its quantum/,
  },
  {
    name: "a block is no frame",
    edit: ({ blocks }) => void (blocks.get("logs.mb")![3] = encoder.encode("no frame at all")),
    kinds: ["damaged-block"],
    line: /logs\.mb, block at byte \d+/,
    inData: true,
  },
  {
    name: "a block is no JSON",
    edit: ({ blocks }) => void (blocks.get("quanta.mb")![3] = '{"quantum_id":'),
    kinds: ["damaged-block"],
    line: /quanta\.mb, block at byte \d+/,
    inData: true,
  },
  {
    name: "a log record lacks its message",
    edit: (graph) =>
      graph.editBlock("logs.mb", 0, (value) => {
        const attempts = value.attempts as Record<string, unknown>[][];
        delete attempts.find((records) => records !== null)![0].message;
      }),
    kinds: ["damaged-block"],
    line: /logs\.mb, block at byte 0/,
    inData: true,
  },
  {
    name: "two quanta are filed under each other's id",
    edit: ({ rows }) => {
      const [a, b] = rows.filter((row) => row.blocks[1] !== null && row.blocks[2] === null);
      [a.blocks[1], b.blocks[1]] = [b.blocks[1], a.blocks[1]];
    },
    kinds: ["misfiled-block"],
    line: /quanta\.mb, block at byte \d+: it is of [-0-9a-f]{36}, but filed under [-0-9a-f]{36}/,
    inData: true,
  },
  {
    name: "a dataset names another producer",
    edit: (graph) => {
      const texts = graph.blocks.get("datasets.mb")! as string[];
      const withProducer = texts.map((_, i) => i).filter((i) =>
        JSON.parse(texts[i]).producer !== null
      );
      const other = JSON.parse(texts[withProducer.at(-1)!]).producer;
      graph.editBlock("datasets.mb", withProducer[0], (dataset) => dataset.producer = other);
    },
    kinds: ["edges"],
    line: /is an output of quantum [-0-9a-f]{36}, but names another producer/,
    inData: true,
  },
  {
    name: "a dataset names a producer that doesn't exist",
    edit: (graph) =>
      graph.editBlock(
        "datasets.mb",
        0,
        (dataset) => dataset.producer = "00000000-0000-7000-8000-000000000001",
      ),
    kinds: ["edges"],
    line: /producer 00000000-0000-7000-8000-000000000001 of dataset .* is no quantum of the graph/,
    inData: true,
  },
  {
    name: "a dataset forgets a consumer",
    edit: (graph) => {
      const texts = graph.blocks.get("datasets.mb")! as string[];
      const i = texts.findIndex((text) => JSON.parse(text).consumers.length > 0);
      graph.editBlock("datasets.mb", i, (dataset) => void (dataset.consumers as string[]).pop());
    },
    kinds: ["edges"],
    line: /consumers of dataset [-0-9a-f]{36} differ from the quanta that read it/,
    inData: true,
  },
  {
    name: "a quantum forgets an output",
    edit: (graph) =>
      graph.editBlock("quanta.mb", 0, (quantum) => {
        const outputs = quantum.outputs as Record<string, string[]>;
        delete outputs[Object.keys(outputs).find((name) => !name.startsWith("_"))!];
      }),
    kinds: ["edges"],
    line: /names producer [-0-9a-f]{36}, which doesn't have it among its outputs/,
    inData: true,
  },
  {
    name: "a log has an attempt less",
    edit: (graph) => graph.editBlock("logs.mb", 2, (log) => void (log.attempts as unknown[]).pop()),
    kinds: ["attempts"],
    line: /logs\.mb, block at byte \d+: quantum [-0-9a-f]{36}: it has \d attempts, its log \d/,
    inData: true,
  },
  {
    name: "a successful attempt has no metadata",
    edit: (graph) => {
      // Blocks of metadata are in the order of the quanta, blocked ones left out.
      const attempts = (graph.blocks.get("quanta.mb")! as string[])
        .map((text) => JSON.parse(text).attempts as { status: number }[])
        .filter(({ length }) => length > 0);
      const i = attempts.findIndex((list) => list.length === 1 && list[0].status === 1);
      graph.blocks.get("metadata.mb")![i] = '{"attempts":[null]}';
    },
    kinds: ["attempts"],
    line: /its last attempt is SUCCESSFUL, but has no metadata/,
    inData: true,
  },
  {
    name: "a log that is there is said not to be produced",
    edit: (graph) => {
      const texts = graph.blocks.get("datasets.mb")! as string[];
      const i = texts.findIndex((text) => {
        const { dataset_type_name, produced } = JSON.parse(text);
        return produced && dataset_type_name.endsWith("_log");
      });
      graph.editBlock("datasets.mb", i, (dataset) => dataset.produced = false);
    },
    kinds: ["attempts"],
    line: /log dataset [-0-9a-f]{36} is said to be not produced, but is here/,
    inData: true,
  },
  {
    name: "metadata that were never written are said to be produced",
    edit: (graph) => {
      const texts = graph.blocks.get("datasets.mb")! as string[];
      const i = texts.findIndex((text) => {
        const { dataset_type_name, produced } = JSON.parse(text);
        return !produced && dataset_type_name.endsWith("_metadata");
      });
      graph.editBlock("datasets.mb", i, (dataset) => dataset.produced = true);
    },
    kinds: ["attempts"],
    line: /its metadata dataset [-0-9a-f]{36} is said to be produced/,
    inData: true,
  },
  {
    name: "a blocked quantum is said to have attempts",
    edit: (graph) => {
      const list = graph.blocks.get("quanta.mb")! as string[];
      const i = list.findIndex((text) => JSON.parse(text).attempts.length === 0);
      graph.editBlock("quanta.mb", i, (quantum) => quantum.attempts = [{ attempt: 0, status: -1 }]);
    },
    kinds: ["attempts"],
    line: /has 1 attempts, but no log block/,
    inData: true,
  },
  {
    name: "a quantum is of an unknown task",
    edit: (graph) => graph.editBlock("quanta.mb", 0, (quantum) => quantum.task_label = "nobody"),
    kinds: ["count", "unknown-name"],
    line: /the pipeline has no task "nobody"/,
    inData: true,
  },
];

for (const { name, edit, members, kinds, line, inData = false } of DAMAGES) {
  Deno.test(`checkFile() names the damage when ${name}`, async () => {
    const graph = await EditedGraph.read(PROVENANCE);
    edit?.(graph);
    const bytes = buildZip(members?.(graph.members()) ?? graph.members());
    const fast = await checkBytes(bytes, false);
    assert.deepEqual(fast.kinds, inData ? [] : kinds, fast.lines.join("\n"));
    const whole = await checkBytes(bytes, true);
    if (inData) assert.deepEqual(whole.kinds, kinds, whole.lines.join("\n"));
    else for (const kind of kinds) assert.ok(whole.kinds.includes(kind), whole.lines.join("\n"));
    assert.ok(whole.lines.some((text) => line.test(text)), whole.lines.join("\n"));
  });
}

for (const [what, path] of [["provenance", PROVENANCE], ["predicted", PREDICTED]]) {
  Deno.test(`checkFile() names the member when a byte of a ${what} graph is flipped`, async () => {
    const original = Deno.readFileSync(path);
    for (const { name, start, data } of zipMembers(original)) {
      if (data.length === 0) continue;
      const bytes = original.slice();
      bytes[start + data.length - 1] ^= 1;
      const { lines } = await checkBytes(bytes, false);
      const isNamed = lines.some((line) => line.includes(`x.qg: ${name}`));
      assert.ok(isNamed, `${name}: ${lines.join("\n")}`);
    }
  });
}

Deno.test("checkFile() lists every problem when a file has several", async () => {
  const graph = await EditedGraph.read(PROVENANCE);
  graph.blocks.get("logs.mb")![0] = encoder.encode("junk");
  graph.blocks.get("metadata.mb")![1] = "[]";
  graph.editBlock("quanta.mb", 0, (quantum) => quantum.task_label = "nobody");
  graph.documents.set("packages.json.zst", '{"a":1}');
  graph.rows.splice(7, 1);
  const { lines } = await checkBytes(graph.build());
  for (
    const wanted of [
      /damaged-block: x\.qg: logs\.mb/,
      /damaged-block: x\.qg: metadata\.mb/,
      /unknown-name/,
      /damaged-document: x\.qg: packages/,
      /orphan-block/,
      /count: x\.qg: nodes\.addr/,
    ]
  ) assert.ok(lines.some((line) => wanted.test(line)), `${wanted}\n${lines.join("\n")}`);
});

Deno.test("checkFile() counts what it doesn't list when there are too many problems", async () => {
  const graph = await EditedGraph.read(PROVENANCE);
  graph.blocks.set("datasets.mb", graph.blocks.get("datasets.mb")!.map(() => "{}"));
  const { findings } = await checkBytes(graph.build());
  assert.equal(findings.counts.get("damaged-block"), 209);
  assert.equal(findings.problems.filter(({ kind }) => kind === "damaged-block").length, 100);
});

const PREDICTED_DAMAGES: Damage[] = [
  {
    name: "a block is filed under another id",
    edit: ({ rows }) => void ([rows[0].blocks, rows[1].blocks] = [rows[1].blocks, rows[0].blocks]),
    kinds: ["misfiled-block"],
    line: /quantum_datasets\.mb, block at byte \d+: it is of/,
    inData: true,
  },
  {
    name: "a row is missing",
    edit: ({ rows }) => void rows.pop(),
    kinds: ["count", "orphan-block"],
    line: /quanta\.addr: it holds 52 quanta, the header says 53/,
  },
  {
    name: "a dataset is written twice",
    edit: ({ blocks }) => {
      const list = blocks.get("quantum_datasets.mb")! as string[];
      const value = JSON.parse(list[1]);
      value.outputs._log = JSON.parse(list[0]).outputs._log;
      list[1] = JSON.stringify(value);
    },
    kinds: ["edges"],
    line: /is written twice/,
    inData: true,
  },
  {
    name: "the header counts other datasets",
    edit: ({ documents }) =>
      documents.set(
        "header.json.zst",
        EditedGraph.json(documents.get("header.json.zst")!, (header) => header.n_datasets = 211),
      ),
    kinds: ["count"],
    line: /its quanta have 210 datasets, the header says 211/,
    inData: true,
  },
  {
    name: "the thin graph has another quantum",
    edit: ({ documents }) => {
      const thin = documents.get("thin_graph.json.zst")!;
      const id = /"quantum_id":"([^"]+)"/.exec(thin)![1];
      documents.set(
        "thin_graph.json.zst",
        thin.replace(id, "00000000-0000-7000-8000-000000000001"),
      );
    },
    kinds: ["count"],
    line: /quantum 00000000-0000-7000-8000-000000000001 is not in quanta\.addr/,
    inData: true,
  },
];

for (const { name, edit, kinds, line, inData = false } of PREDICTED_DAMAGES) {
  Deno.test(`checkFile() names the damage of a predicted graph when ${name}`, async () => {
    const graph = await EditedGraph.read(PREDICTED);
    edit!(graph);
    const fast = await checkBytes(graph.build(), false);
    assert.deepEqual(fast.kinds, inData ? [] : kinds, fast.lines.join("\n"));
    const whole = await checkBytes(graph.build(), true);
    for (const kind of kinds) assert.ok(whole.kinds.includes(kind), whole.lines.join("\n"));
    assert.ok(whole.lines.some((text) => line.test(text)), whole.lines.join("\n"));
  });
}

Deno.test("checkFile() finds a file damaged when it is cut anywhere", async () => {
  const original = Deno.readFileSync(PROVENANCE);
  for (const { start, data } of zipMembers(original)) {
    const { kinds } = await checkBytes(original.subarray(0, start + (data.length >> 1)), false);
    assert.deepEqual(kinds, ["damaged-archive"]);
  }
});

Deno.test("checkFile() refuses a file when it is none of ours", async () => {
  for (const content of ["", "PK", "some text that is long enough", "{}\n"]) {
    await assert.rejects(checkBytes(encoder.encode(content)), InvalidQuantumGraphFileError);
  }
});

Deno.test("checkFile() refuses a graph when its format is newer", async () => {
  const graph = await EditedGraph.read(PROVENANCE);
  const header = graph.documents.get("header.json.zst")!;
  graph.documents.set("header.json.zst", EditedGraph.json(header, (value) => value.version = 2));
  await assert.rejects(checkBytes(graph.build()), RefusedError);
});
