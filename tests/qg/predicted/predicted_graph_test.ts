import assert from "node:assert/strict";
import {
  InvalidQuantumGraphFileError,
  NotFoundError,
  ProvgraphError,
  RefusedError,
} from "../../../lib/base/errors.ts";
import { encodeUtf8, parseJson, stringifyJson } from "../../../lib/base/json_text.ts";
import { uuidFromText, uuidToText } from "../../../lib/base/uuid.ts";
import { AddressFile } from "../../../lib/qg/address_file.ts";
import { PredictedGraph } from "../../../lib/qg/predicted/predicted_graph.ts";
import { QuantumIds } from "../../../lib/qg/predicted/predicted_ids.ts";
import { MemorySource } from "../../support/sources.ts";
import {
  addressFile,
  assertInvalid,
  block,
  buildZip,
  loadZstd,
  PREDICTED,
  PREDICTED_TRAINED,
  PROVENANCE,
  testdata,
  type TestMember,
  withFile,
  zipMembers,
} from "../support.ts";

const ID = "01a203df-2de0-7f56-bab2-0000000000aa";

/** A minimal graph by hand with one quantum, its integers `intSize` bytes wide. */
async function smallGraph(
  { intSize = 8, version = 1 as number | null, dictionary = null as Uint8Array | null } = {},
): Promise<TestMember[]> {
  const compressor = (await loadZstd()).compressor(dictionary, 3);
  const json = (value: unknown): Uint8Array => compressor.compress(encodeUtf8(stringify(value)));
  const quantum = json({ quantum_id: ID, task_label: "a" });
  return [
    {
      name: "header.json.zst",
      data: json({
        ...(version === null ? {} : { version }),
        graph_type: "predicted",
        output_run: "r",
        int_size: intSize,
        n_quanta: 1,
      }),
    },
    ...(dictionary === null ? [] : [{ name: "compression_dict", data: dictionary }]),
    {
      name: "pipeline_graph.json.zst",
      data: json({ tasks: {}, dataset_types: {}, dimensions: null }),
    },
    {
      name: "dimension_data.json.zst",
      data: json({ visit: [["x"]], detector: [["Cam", 1, "Aa"]], band: [] }),
    },
    { name: "init_quanta.json.zst", data: json([]) },
    { name: "quantum_datasets.mb", data: block(quantum, intSize) },
    {
      name: "quanta.addr",
      data: addressFile([[ID, 0, intSize + quantum.length]], 1, intSize),
    },
  ];
}

function stringify(value: unknown): string {
  return JSON.stringify(value);
}

/** Opens a graph and does with it all that an aggregation does. */
async function readAll(path: string): Promise<string[]> {
  using graph = await PredictedGraph.open(path, await loadZstd());
  graph.verifyStructure();
  graph.pipelineGraph();
  graph.initQuanta();
  graph.dimensionRecords(["detector", "exposure"]);
  const ids = new QuantumIds();
  const found: string[] = [];
  for (const block of graph.blocks()) {
    graph.scanBlock(block, ids);
    graph.parseBlock(block.text, block.offset);
    found.push(uuidToText(ids.quantumId));
  }
  return found;
}

for (const path of [PREDICTED, PREDICTED_TRAINED, testdata("fixtures/small-mock/predicted.qg")]) {
  const name = path.split("/").slice(-2).join("/");
  Deno.test(`PredictedGraph reads every block of ${name}`, async () => {
    using graph = await PredictedGraph.open(path, await loadZstd());
    graph.verifyStructure();
    const members = new Map(zipMembers(Deno.readFileSync(path)).map((m) => [m.name, m.data]));
    const addresses = await AddressFile.open(new MemorySource(members.get("quanta.addr")!), 1, 8);
    const ids = new QuantumIds();
    const datasets = new Set<string>();
    const labels: Record<string, number> = {};
    let nBlocks = 0;
    let end = 0;
    for (const block of graph.blocks()) {
      nBlocks++;
      assert.equal(block.offset, end);
      end += block.size;
      graph.scanBlock(block, ids);
      const quantum = graph.parseBlock(block.text, block.offset);
      labels[quantum.taskLabel] = (labels[quantum.taskLabel] ?? 0) + 1;
      assert.equal(uuidToText(ids.quantumId), quantum.quantumId);
      assert.deepEqual(await addresses.find(ids.quantumId), [
        { offset: block.offset, size: block.size },
      ]);
      assert.deepEqual(graph.readBlock(block.offset, block.size), block.text);
      for (const groups of [quantum.inputs, quantum.outputs]) {
        for (const list of groups.values()) {
          for (const dataset of list) {
            datasets.add(dataset.idText);
            const text = block.text.subarray(dataset.start, dataset.end);
            const parsed = parseJson(text) as Record<string, never>;
            assert.equal(parsed.dataset_id, dataset.idText);
            assert.equal(parsed.dataset_type_name, dataset.typeName);
            assert.equal(parsed.run, dataset.run);
            assert.equal(
              stringifyJson(parsed.data_coordinate),
              stringifyJson(dataset.dataCoordinate),
            );
          }
        }
      }
      const outputs = [...quantum.outputs.values()].flat().map((d) => d.idText);
      assert.deepEqual(
        Array.from({ length: ids.nOutputs }, (_, i) => uuidToText(ids.outputIds, 16 * i)),
        outputs,
      );
    }
    assert.equal(end, graph.nQuantaBlocksSize);
    assert.equal(nBlocks, graph.header.n_quanta);
    for (const [label, n] of Object.entries(graph.header.n_task_quanta)) {
      assert.equal(labels[label] ?? 0, n, label);
    }
    for (const quantum of graph.initQuanta()) {
      for (const groups of [quantum.inputs, quantum.outputs]) {
        for (const list of groups.values()) for (const { idText } of list) datasets.add(idText);
      }
    }
    assert.equal(datasets.size, graph.header.n_datasets);
    assert.deepEqual(
      [...graph.pipelineGraph().tasks.keys()].sort(),
      Object.keys(graph.header.n_task_quanta).sort(),
    );
  });
}

Deno.test("PredictedGraph finds a trained dictionary, and none where there is none", async () => {
  using trained = await PredictedGraph.open(PREDICTED_TRAINED, await loadZstd());
  assert.equal(trained.dictionary!.length, 32768);
  using plain = await PredictedGraph.open(PREDICTED, await loadZstd());
  assert.equal(plain.dictionary, null);
});

Deno.test("PredictedGraph.dimensionRecords() gives the rows asked for and no others", async () => {
  using graph = await PredictedGraph.open(PREDICTED, await loadZstd());
  const records = graph.dimensionRecords(["detector", "exposure"]);
  assert.deepEqual([...records.keys()], ["detector", "exposure"]);
  assert.equal(records.get("detector")!.length, 4);
  assert.ok(
    records.get("detector")!.some((row) =>
      stringifyJson(row) === '["OracleCam",4,"R00_S04","S04","R00","SCIENCE"]'
    ),
  );
  assert.deepEqual(records.get("exposure"), []);
});

Deno.test("PredictedGraph reads hand-made graphs in every form", async (t) => {
  const raw = encodeUtf8(`{"quantum_id":"","task_label":"a","graph_type":"predicted"}`.repeat(20));
  const forms: Record<string, TestMember[]> = {
    "int_size 2": await smallGraph({ intSize: 2 }),
    "int_size 4": await smallGraph({ intSize: 4 }),
    "int_size 5": await smallGraph({ intSize: 5 }),
    "int_size 16": await smallGraph({ intSize: 16 }),
    "version 0": await smallGraph({ version: 0 }),
    "no version": await smallGraph({ version: null }),
    "raw dictionary": await smallGraph({ dictionary: raw }),
    "dictionary of 5 bytes": await smallGraph({ dictionary: raw.slice(0, 5) }),
    "zero-length dictionary": [
      ...await smallGraph(),
      { name: "compression_dict", data: new Uint8Array(0) },
    ],
    "frames without the dictionary that is there": [
      ...await smallGraph(),
      { name: "compression_dict", data: raw },
    ],
    "members the other way round": (await smallGraph()).reverse(),
    "unknown member": [{ name: "zzz", data: raw }, ...await smallGraph()],
    "deflated documents": (await smallGraph()).map((m) => ({
      ...m,
      deflated: m.name.endsWith(".json.zst"),
    })),
    "local extra fields": (await smallGraph()).map((m) => ({
      ...m,
      localExtra: new Uint8Array([0x55, 0x54, 1, 0, 3]),
    })),
  };
  for (const [what, members] of Object.entries(forms)) {
    await t.step(what, async () => {
      await withFile(buildZip(members), async (path) => {
        assert.deepEqual(await readAll(path), [ID]);
      });
    });
  }
});

Deno.test("PredictedGraph.open() refuses other files", async (t) => {
  const zstd = await loadZstd();
  await t.step("a provenance graph", async () => {
    await assert.rejects(() => PredictedGraph.open(PROVENANCE, zstd), RefusedError);
  });
  await t.step("version 2", async () => {
    await withFile(buildZip(await smallGraph({ version: 2 })), async (path) => {
      await assert.rejects(() => PredictedGraph.open(path, zstd), (error: unknown) => {
        assert.ok(error instanceof RefusedError);
        assert.match(error.message, /format version is 2, newest known is 1/);
        return true;
      });
    });
  });
  await t.step("no file", async () => {
    await assert.rejects(() => PredictedGraph.open("/nonexistent/x.qg", zstd), NotFoundError);
  });
  for (const content of ["", "SQLite format 3\0", "[]", "P".repeat(70_000)]) {
    await t.step(`${content.length} bytes of something else`, async () => {
      await withFile(
        encodeUtf8(content),
        (path) => assertInvalid(() => PredictedGraph.open(path, zstd)),
      );
    });
  }
  for (const { name } of await smallGraph()) {
    await t.step(`no ${name}`, async () => {
      const members = (await smallGraph()).filter((m) => m.name !== name);
      await withFile(buildZip(members), async (path) => {
        await assertInvalid(() => PredictedGraph.open(path, zstd), new RegExp(name));
      });
    });
  }
  for (const size of [32767, 100, 8, 0]) {
    await t.step(`a trained dictionary cut to ${size} bytes`, async () => {
      const members = zipMembers(Deno.readFileSync(PREDICTED_TRAINED)).map((m) =>
        m.name === "compression_dict" ? { name: m.name, data: m.data.slice(0, size) } : m
      );
      await withFile(buildZip(members), async (path) => {
        await assertInvalid(() => readAll(path), /decompress|dictionary|not JSON/);
      });
    });
  }
  await t.step("deflated blocks", async () => {
    const members = (await smallGraph()).map((m) => ({ ...m, deflated: m.name.endsWith(".mb") }));
    await withFile(buildZip(members), async (path) => {
      await assertInvalid(() => PredictedGraph.open(path, zstd), /quantum_datasets\.mb/);
    });
  });
});

Deno.test("PredictedGraph.verifyStructure() names what doesn't fit", async (t) => {
  const replace = async (name: string, data: Uint8Array): Promise<TestMember[]> =>
    (await smallGraph()).map((m) => m.name === name ? { name, data } : m);
  const cases: [string, TestMember[], RegExp][] = [
    ["other int_size", await replace("quanta.addr", addressFile([[ID, 0, 9]], 1, 4)), /int_size/],
    [
      "two rows",
      await replace("quanta.addr", addressFile([["0".repeat(32), 0, 9], [ID, 0, 9]], 1, 8)),
      /2 rows, the header says 1/,
    ],
    [
      "range outside",
      await replace("quanta.addr", addressFile([[ID, 0, 9999]], 1, 8)),
      /points at/,
    ],
  ];
  for (const [what, members, message] of cases) {
    await t.step(what, async () => {
      await withFile(buildZip(members), (path) => assertInvalid(() => readAll(path), message));
    });
  }
});

Deno.test("PredictedGraph.readBlock() refuses addresses that are none", async () => {
  using graph = await PredictedGraph.open(PREDICTED, await loadZstd());
  for (const [offset, size] of [[0, 8], [1, 20], [0, 2 ** 45], [graph.nQuantaBlocksSize, 20]]) {
    assert.throws(() => graph.readBlock(offset, size), InvalidQuantumGraphFileError);
  }
});

Deno.test("PredictedGraph errors name file and place of a bad quantum", async () => {
  const compressor = (await loadZstd()).compressor(null, 3);
  const bad = block(compressor.compress(encodeUtf8(`{"quantum_id":"x","task_label":"a"}`)), 8);
  const members = (await smallGraph()).map((m) =>
    m.name === "quantum_datasets.mb" ? { name: m.name, data: bad } : m
  );
  await withFile(buildZip(members), async (path) => {
    using graph = await PredictedGraph.open(path, await loadZstd());
    for (const found of graph.blocks()) {
      await assertInvalid(() => graph.scanBlock(found, new QuantumIds()), /block at 0 of ".*\.qg"/);
      await assertInvalid(() => graph.parseBlock(found.text, 0), /"x" is no UUID/);
    }
  });
});

Deno.test("PredictedGraph refuses a file cut at any member's edge", async () => {
  const bytes = Deno.readFileSync(PREDICTED);
  for (const { start, data } of zipMembers(bytes)) {
    for (const end of [start - 1, start, start + 1, start + data.length, start + data.length + 1]) {
      await withFile(bytes.subarray(0, end), (path) => assertInvalid(() => readAll(path)));
    }
  }
  for (const n of [1, 21, 22, 23, 100]) {
    await withFile(bytes.subarray(0, -n), (path) => assertInvalid(() => readAll(path)));
  }
});

Deno.test("PredictedGraph finds every flipped byte of a member", async () => {
  const bytes = Deno.readFileSync(PREDICTED);
  for (const { start, data } of zipMembers(bytes)) {
    for (let i = 0; i < 40; i++) {
      const at = start + Math.floor((i + 0.5) * data.length / 40);
      const damaged = bytes.slice();
      damaged[at] ^= 1 << (i % 8);
      await withFile(damaged, async (path) => {
        await assert.rejects(() => readAll(path), ProvgraphError);
      });
    }
  }
});

Deno.test("PredictedGraph reads or refuses a file with flipped bytes anywhere", async () => {
  const bytes = Deno.readFileSync(PREDICTED);
  const original = await readAll(PREDICTED);
  for (let i = 0; i < 400; i++) {
    const damaged = bytes.slice();
    // Densely in the directory, sparsely elsewhere.
    const at = i % 2 === 0 ? bytes.length - 1 - i : Math.floor(i * bytes.length / 400);
    damaged[at] ^= 1 << (i % 8);
    await withFile(damaged, async (path) => {
      try {
        assert.deepEqual(await readAll(path), original);
      } catch (error) {
        if (!(error instanceof ProvgraphError)) throw error;
      }
    });
  }
});

Deno.test("PredictedGraph passes over blocks without checksums and never crashes", async () => {
  // The checksum is not looked at by a pass: damage shows as an error or as other text.
  const bytes = Deno.readFileSync(PREDICTED);
  const member = zipMembers(bytes).find((m) => m.name === "quantum_datasets.mb")!;
  const zstd = await loadZstd();
  for (let i = 0; i < 200; i++) {
    const damaged = bytes.slice();
    damaged[member.start + Math.floor((i + 0.5) * member.data.length / 200)] ^= 1 << (i % 8);
    await withFile(damaged, async (path) => {
      using graph = await PredictedGraph.open(path, zstd);
      try {
        for (const found of graph.blocks()) graph.parseBlock(found.text, found.offset);
      } catch (error) {
        if (!(error instanceof InvalidQuantumGraphFileError)) throw error;
      }
    });
  }
});

Deno.test("PredictedGraph keeps ids as bytes in the order of the file", async () => {
  await withFile(buildZip(await smallGraph()), async (path) => {
    using graph = await PredictedGraph.open(path, await loadZstd());
    const ids = new QuantumIds();
    for (const found of graph.blocks()) graph.scanBlock(found, ids);
    assert.deepEqual(ids.quantumId, uuidFromText(ID));
  });
});
