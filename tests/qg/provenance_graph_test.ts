import assert from "node:assert/strict";
import { NotFoundError, ProvgraphError, RefusedError } from "../../lib/base/errors.ts";
import { decodeUtf8, encodeUtf8, type JsonValue, parseJson } from "../../lib/base/json_text.ts";
import { uuidFromText, uuidToHex, uuidToText } from "../../lib/base/uuid.ts";
import { ProvenanceGraph, type ProvenanceMember } from "../../lib/qg/provenance_graph.ts";
import { splitAttempts } from "../../lib/qg/attempts.ts";
import { CountingSource, MemorySource } from "../support/sources.ts";
import { FileSource } from "../../lib/storage/file_source.ts";
import {
  addressFile,
  assertInvalid,
  block,
  buildZip,
  loadZstd,
  PREDICTED,
  PROVENANCE,
  PROVENANCE_TRAINED,
  testdata,
  type TestMember,
  type TestRow,
  zipMembers,
} from "./support.ts";

const MEMBERS: ProvenanceMember[] = ["quanta.mb", "datasets.mb", "metadata.mb", "logs.mb"];

async function openBytes(bytes: Uint8Array): Promise<ProvenanceGraph> {
  return await ProvenanceGraph.open(new MemorySource(bytes, "some.qg"), await loadZstd());
}

/** Reads all of a graph in every way. */
async function readAll(bytes: Uint8Array): Promise<number> {
  using graph = await openBytes(bytes);
  await graph.verifyStructure();
  await graph.pipelineGraph();
  await graph.packagesText();
  await graph.initQuantaText();
  let n = 0;
  for (const member of MEMBERS) {
    for await (const { text } of graph.blocks(member)) {
      parseJson(text);
      n++;
    }
  }
  for await (const node of graph.nodes()) {
    await graph.find(node.id);
    if (node.log.size > 0) await graph.readLog(node.log);
  }
  return n;
}

type Fields = { [key: string]: JsonValue };

const files = [PROVENANCE, PROVENANCE_TRAINED, testdata("fixtures/medium/provenance.qg")];
for (const path of files) {
  const name = path.split("/").slice(-2).join("/");
  Deno.test(`ProvenanceGraph reads every block of ${name} by pass and by id`, async () => {
    const bytes = Deno.readFileSync(path);
    using graph = await openBytes(bytes);
    await graph.verifyStructure();
    assert.equal(graph.header.graph_type, "provenance");
    assert.equal((parseJson(await graph.initQuantaText()) as JsonValue[]).length > 0, true);
    assert.equal(typeof (parseJson(await graph.packagesText()) as Fields).python, "string");
    assert.ok((await graph.pipelineGraph()).tasks.size > 0);

    const texts = new Map<string, Map<string, string>>();
    for (const member of MEMBERS) {
      const byAddress = new Map<string, string>();
      for await (const { offset, size, text } of graph.blocks(member)) {
        byAddress.set(`${offset} ${size}`, decodeUtf8(text));
      }
      texts.set(member, byAddress);
    }
    assert.equal(texts.get("quanta.mb")!.size, graph.header.n_quanta);
    assert.equal(texts.get("datasets.mb")!.size, graph.header.n_datasets - 1);

    const used = new Set<string>();
    let nNodes = 0;
    for await (const node of graph.nodes()) {
      nNodes++;
      assert.deepEqual(await graph.find(node.id), node);
      const reads = [
        ["datasets.mb", node.dataset, (a) => graph.readDataset(a)],
        ["quanta.mb", node.quantum, (a) => graph.readQuantum(a)],
        ["logs.mb", node.log, (a) => graph.readLog(a)],
        ["metadata.mb", node.metadata, (a) => graph.readMetadata(a)],
      ] as [string, typeof node.log, (a: typeof node.log) => Promise<Uint8Array>][];
      for (const [member, address, read] of reads) {
        if (address.size === 0) continue;
        const key = `${address.offset} ${address.size}`;
        used.add(`${member} ${key}`);
        const text = decodeUtf8(await read(address));
        assert.equal(text, texts.get(member)!.get(key));
        const fields = parseJson(text) as Fields;
        if (member === "datasets.mb") assert.equal(fields.dataset_id, uuidToText(node.id));
        if (member === "quanta.mb") assert.equal(fields.quantum_id, uuidToText(node.id));
        if (member === "logs.mb" || member === "metadata.mb") {
          assert.equal(
            splitAttempts(encodeUtf8(text)).length,
            (fields.attempts as unknown[]).length,
          );
        }
      }
    }
    assert.equal(nNodes, graph.header.n_datasets - 1 + graph.header.n_quanta);
    assert.equal(used.size, MEMBERS.reduce((n, m) => n + texts.get(m)!.size, 0));
  });
}

Deno.test("ProvenanceGraph.find() gives null for ids that aren't there", async () => {
  using graph = await openBytes(Deno.readFileSync(PROVENANCE));
  assert.equal(await graph.find(new Uint8Array(16)), null);
  assert.equal(await graph.find(new Uint8Array(16).fill(255)), null);
  for await (const { id } of graph.nodes()) {
    id[15] ^= 0x10;
    const found = await graph.find(id);
    if (found !== null) assert.deepEqual(found.id, id);
  }
});

Deno.test("ProvenanceGraph.findPrefix() finds by part of an id", async () => {
  using graph = await openBytes(Deno.readFileSync(PROVENANCE));
  const ids: string[] = [];
  for await (const { id } of graph.nodes()) ids.push(uuidToHex(id));
  for (const prefix of [ids[0].slice(0, 13), ids[100].slice(0, 20), ids[7], "0", "ff"]) {
    const expected = ids.filter((id) => id.startsWith(prefix));
    assert.deepEqual((await graph.findPrefix(prefix, 1e9)).map((n) => uuidToHex(n.id)), expected);
  }
  assert.equal((await graph.findPrefix("0", 2)).length, 2);
});

Deno.test("ProvenanceGraph refuses to read an absent block", async () => {
  using graph = await openBytes(Deno.readFileSync(PROVENANCE));
  for (const read of ["readLog", "readMetadata", "readQuantum", "readDataset"] as const) {
    await assert.rejects(() => graph[read]({ offset: 0, size: 0 }), NotFoundError);
    await assertInvalid(() => graph[read]({ offset: 0, size: 2 ** 40 }), /its address/);
    await assertInvalid(() => graph[read]({ offset: 1, size: 30 }), /the block says/);
  }
});

Deno.test("ProvenanceGraph reads a small file in a few reads", async () => {
  for (const path of [PROVENANCE, PROVENANCE_TRAINED]) {
    using file = FileSource.open(path);
    const source = new CountingSource(file);
    using graph = await ProvenanceGraph.open(source, await loadZstd());
    assert.ok(source.nReads <= 2, `${source.nReads} reads to open`);
    let id: Uint8Array | null = null;
    using other = await openBytes(Deno.readFileSync(path));
    for await (const node of other.nodes()) if (node.log.size > 0) id = node.id;
    const node = await graph.find(id!);
    await graph.readLog(node!.log);
    assert.ok(source.nReads <= 4, `${source.nReads} reads`);
    assert.ok(source.nBytes <= 200 * 1024, `${source.nBytes} bytes`);
  }
});

Deno.test("ProvenanceGraph reads a block at the first guess only if it is the block", async () => {
  // A gap between members: the place without a local header read is wrong.
  const bytes = await smallGraph({});
  const members = zipMembers(bytes);
  using graph = await openBytes(bytes);
  const node = await graph.find(uuidFromText(QUANTUM));
  assert.equal(decodeUtf8(await graph.readQuantum(node!.quantum)), `{"quantum_id":"${QUANTUM}"}`);
  const padded = await smallGraph({ gap: 24 });
  assert.ok(padded.length > bytes.length);
  using other = await openBytes(padded);
  await other.verifyStructure();
  assert.equal(decodeUtf8(await other.readQuantum(node!.quantum)), `{"quantum_id":"${QUANTUM}"}`);
  assert.ok(members.length > 5);
});

Deno.test("ProvenanceGraph reads hand-made graphs in every form", async (t) => {
  const forms: Record<string, Parameters<typeof smallGraph>[0]> = {
    "int_size 2": { intSize: 2 },
    "int_size 4": { intSize: 4 },
    "int_size 5": { intSize: 5 },
    "int_size 16": { intSize: 16 },
    "no dictionary member": {},
    "empty dictionary": { dictionary: new Uint8Array(0) },
    "raw dictionary": { dictionary: encodeUtf8(`{"quantum_id":"01a203df-2de0"}`.repeat(9)) },
    "members reversed": { reversed: true },
    "fences": { fences: uuidFromText(QUANTUM) },
    "wrong fences": { fences: new Uint8Array(64).fill(255) },
    "fences of a wrong size": { fences: new Uint8Array(17) },
  };
  for (const [what, form] of Object.entries(forms)) {
    await t.step(what, async () => {
      const bytes = await smallGraph(form);
      assert.equal(await readAll(bytes), 4);
      using graph = await openBytes(bytes);
      const node = (await graph.find(uuidFromText(LOG)))!;
      assert.equal(node.quantum.size, 0);
      assert.equal(decodeUtf8(await graph.readLog(node.log)), `{"attempts":[[], null]}`);
      assert.equal(await graph.find(uuidFromText(OTHER)), null);
    });
  }
});

const QUANTUM = "01a203df-2de0-7f56-bab2-0000000000aa";
const LOG = "01a203df-2de0-7f56-bab2-0000000000ab";
const OTHER = "01a203df-2de0-7f56-bab2-0000000000ac";

/** A minimal provenance graph: one quantum and its log dataset. */
async function smallGraph(
  { intSize = 8, dictionary, reversed = false, fences, gap = 0, change = {}, rows }: {
    intSize?: number;
    dictionary?: Uint8Array;
    reversed?: boolean;
    fences?: Uint8Array;
    gap?: number;
    change?: Record<string, JsonValue>;
    rows?: (sizes: Record<string, number>) => TestRow[];
  },
): Promise<Uint8Array> {
  const compressor = (await loadZstd()).compressor(dictionary ?? null, 3);
  const json = (text: string): Uint8Array => compressor.compress(encodeUtf8(text));
  const blocks: Record<string, Uint8Array> = {
    "quanta.mb": block(json(`{"quantum_id":"${QUANTUM}"}`), intSize),
    "datasets.mb": block(json(`{"dataset_id":"${LOG}"}`), intSize),
    "metadata.mb": block(json(`{"attempts":[{},null]}`), intSize),
    "logs.mb": block(json(`{"attempts":[[], null]}`), intSize),
  };
  const sizes = Object.fromEntries(Object.entries(blocks).map(([k, v]) => [k, v.length]));
  const header = {
    graph_type: "provenance",
    output_run: "r",
    int_size: intSize,
    n_quanta: 1,
    n_datasets: 2,
    ...change,
  };
  const members: TestMember[] = [
    { name: "header.json.zst", data: json(JSON.stringify(header)) },
    ...(dictionary === undefined ? [] : [{ name: "compression_dict", data: dictionary }]),
    { name: "pipeline_graph.json.zst", data: json("{}") },
    { name: "packages.json.zst", data: json("{}") },
    { name: "init_quanta.json.zst", data: json("[]") },
    ...Object.entries(blocks).map(([name, data]) => ({
      name,
      data,
      ...(gap > 0 ? { localExtra: new Uint8Array(gap) } : {}),
    })),
    {
      name: "nodes.addr",
      data: addressFile(
        rows?.(sizes) ?? [
          [QUANTUM, 0, 0, 0, sizes["quanta.mb"], 0, sizes["logs.mb"], 0, sizes["metadata.mb"]],
          [LOG, 0, sizes["datasets.mb"], 0, 0, 0, sizes["logs.mb"], 0, 0],
        ],
        4,
        intSize,
      ),
    },
    ...(fences === undefined ? [] : [{ name: "nodes.fences", data: fences }]),
  ];
  return buildZip(reversed ? members.reverse() : members);
}

Deno.test("ProvenanceGraph.open() refuses other files and closes the source", async (t) => {
  const zstd = await loadZstd();
  await t.step("a predicted graph", async () => {
    await assert.rejects(
      () => ProvenanceGraph.open(FileSource.open(PREDICTED), zstd),
      RefusedError,
    );
  });
  await t.step("version 2", async () => {
    const bytes = await smallGraph({ change: { version: 2 } });
    await assert.rejects(() => openBytes(bytes), RefusedError);
  });
  const all = zipMembers(await smallGraph({}));
  for (const { name } of all.filter((m) => /header|mb$|addr$/.test(m.name))) {
    await t.step(`no ${name}`, async () => {
      await assertInvalid(() => openBytes(buildZip(all.filter((m) => m.name !== name))), /has no/);
    });
  }
  for (const { name } of all.filter((m) => /pipeline|init/.test(m.name))) {
    await t.step(`verifyStructure() without ${name}`, async () => {
      using graph = await openBytes(buildZip(all.filter((m) => m.name !== name)));
      await assertInvalid(() => graph.verifyStructure(), /has no member/);
    });
  }
});

Deno.test("ProvenanceGraph.verifyStructure() says what doesn't fit", async (t) => {
  const cases: [string, Parameters<typeof smallGraph>[0], RegExp][] = [
    ["more quanta in the header", { change: { n_quanta: 2 } }, /1 quanta, its header says 2/],
    ["more datasets in the header", { change: { n_datasets: 3 } }, /1 datasets, its header says 3/],
    ["fewer datasets in the header", { change: { n_datasets: 0 } }, /1 datasets/],
    ["unsorted rows", { rows: () => [[LOG, ...Z], [QUANTUM, ...Z]] }, /row 1 is not greater/],
    [
      "a range outside",
      { rows: (s) => [[QUANTUM, 0, 0, 0, s["quanta.mb"], 1, s["logs.mb"], 0, 0]] },
      /points at \d+ bytes at 1 of "logs.mb"/,
    ],
  ];
  for (const [what, form, message] of cases) {
    await t.step(what, async () => {
      using graph = await openBytes(await smallGraph(form));
      await assertInvalid(() => graph.verifyStructure(), message);
    });
  }
  await t.step("another int_size in nodes.addr", async () => {
    const members = zipMembers(await smallGraph({}));
    const bytes = buildZip(
      members.map((m) =>
        m.name === "nodes.addr" ? { name: m.name, data: addressFile([], 4, 4) } : m
      ),
    );
    using graph = await openBytes(bytes);
    await assertInvalid(() => graph.find(new Uint8Array(16)), /int_size is 4, expected 8/);
    await assertInvalid(() => graph.verifyStructure(), /int_size is 4, expected 8/);
  });
});

const Z = [0, 0, 0, 0, 0, 0, 0, 0];

Deno.test("ProvenanceGraph refuses a file cut at any member's edge", async () => {
  const bytes = Deno.readFileSync(PROVENANCE_TRAINED);
  for (const { start, data } of zipMembers(bytes)) {
    for (const end of [start - 1, start, start + data.length, start + data.length + 1]) {
      await assertInvalid(() => readAll(bytes.subarray(0, end)));
    }
  }
  for (const n of [1, 21, 22, 23, 100]) await assertInvalid(() => readAll(bytes.subarray(0, -n)));
});

Deno.test("ProvenanceGraph finds every flipped byte of its structure", async () => {
  const bytes = Deno.readFileSync(PROVENANCE_TRAINED);
  for (const { name, start, data } of zipMembers(bytes)) {
    if (name.endsWith(".mb")) continue;
    for (let i = 0; i < 40; i++) {
      const damaged = bytes.slice();
      damaged[start + Math.floor((i + 0.5) * data.length / 40)] ^= 1 << (i % 8);
      await assert.rejects(
        async () => {
          using graph = await openBytes(damaged);
          await graph.verifyStructure();
        },
        ProvgraphError,
        `${name} ${i}`,
      );
    }
  }
});

Deno.test("ProvenanceGraph reads or refuses a file with flipped bytes anywhere", async () => {
  const bytes = Deno.readFileSync(PROVENANCE_TRAINED);
  for (let i = 0; i < 150; i++) {
    const damaged = bytes.slice();
    const at = i % 2 === 0 ? bytes.length - 1 - 4 * i : Math.floor(i * bytes.length / 150);
    damaged[at] ^= 1 << (i % 8);
    try {
      await readAll(damaged);
    } catch (error) {
      // A damaged block can decompress to text that isn't JSON; this test parses it itself.
      if (!(error instanceof ProvgraphError || error instanceof SyntaxError)) throw error;
    }
  }
});

Deno.test("splitAttempts() gives the text of each attempt byte for byte", () => {
  const ranges = (text: string): (string | null)[] => {
    const bytes = encodeUtf8(text);
    return splitAttempts(bytes).map((r) => r === null ? null : decodeUtf8(bytes.subarray(...r)));
  };
  assert.deepEqual(ranges(`{"attempts":[]}`), []);
  assert.deepEqual(ranges(`{"attempts":[null,{"a": 1.0, "b":NaN},null]}`), [
    null,
    `{"a": 1.0, "b":NaN}`,
    null,
  ]);
  assert.deepEqual(
    ranges(` { "x" : [1], "attempts" : [ [ {"é":-Infinity} ] , [] ] , "y":{"attempts":[]} }\n`),
    [`[ {"é":-Infinity} ]`, "[]"],
  );
  assert.deepEqual(ranges(`{"attempts":[1],"attempts":[12345678901234567890]}`), [
    "12345678901234567890",
  ]);
  for (const text of [`{}`, `[]`, `{"attempts":{}}`, `{"attempts":[}`, `{"attempts":[1]}x`]) {
    assert.throws(() => ranges(text), SyntaxError, text);
  }
});
