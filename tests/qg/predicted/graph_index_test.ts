import assert from "node:assert/strict";
import { buildGraphIndex } from "../../../lib/qg/predicted/graph_index_build.ts";
import { scanQuantumIds } from "../../../lib/qg/predicted/predicted_ids.ts";
import { InvalidQuantumGraphFileError } from "../../../lib/base/errors.ts";
import { uuidFromText, uuidToText } from "../../../lib/base/uuid.ts";
import { GraphIndex } from "../../../lib/qg/predicted/graph_index.ts";
import { parsePredictedQuantum } from "../../../lib/qg/predicted/predicted_quantum.ts";
import {
  datasetUuid,
  openFixtureGraph,
  quantumUuid,
  randomGraph,
  taskInitQuanta,
  testIndex,
  type TestQuantum,
} from "./support.ts";

interface Quantum {
  quantumId: string;
  taskLabel: string;
  inputs: ReadonlyMap<string, readonly { idText: string }[]>;
  outputs: ReadonlyMap<string, readonly { idText: string }[]>;
}

/** The same as an index, with maps of strings. */
function compareWithMaps(
  index: GraphIndex,
  regular: readonly Quantum[],
  inits: readonly Quantum[],
): void {
  const quanta = [...regular, ...inits];
  const idsOf = (edges: Quantum["inputs"]) =>
    [...edges.values()].flatMap((list) => list.map(({ idText }) => idText));
  const producer = new Map<string, number>();
  const consumers = new Map<string, number[]>();
  const ids = new Set<string>();
  quanta.forEach((quantum, q) => {
    for (const id of idsOf(quantum.outputs)) {
      producer.set(id, q);
      ids.add(id);
    }
    for (const id of new Set(idsOf(quantum.inputs))) {
      consumers.set(id, [...consumers.get(id) ?? [], q]);
      ids.add(id);
    }
  });
  assert.equal(index.nQuanta, regular.length);
  assert.equal(index.arrays.nInitQuanta, inits.length);
  assert.equal(index.nDatasets, ids.size);
  for (const id of ids) {
    const d = index.findDataset(uuidFromText(id));
    assert.ok(d >= 0 && d < index.nDatasets);
    assert.equal(uuidToText(index.arrays.datasetIds, d * 16), id);
    assert.equal(index.arrays.producer[d], producer.get(id) ?? -1);
    const readers = consumers.get(id) ?? [];
    assert.deepEqual(index.consumerTexts(d), readers.map((q) => quanta[q].quantumId));
    for (let q = 0; q < quanta.length; q++) {
      assert.equal(index.ownsInput(q, d), !producer.has(id) && readers[0] === q);
    }
  }
  quanta.forEach((quantum, q) => {
    const { outputStart, outputs, nOwnedInputs, nProducedInputs, datasetIds } = index.arrays;
    assert.equal(index.quantumIdText(q), quantum.quantumId);
    assert.deepEqual(index.quantumId(q), uuidFromText(quantum.quantumId));
    const written = Array.from(
      outputs.subarray(outputStart[q], outputStart[q + 1]),
      (d) => uuidToText(datasetIds, d * 16),
    );
    assert.deepEqual(written, idsOf(quantum.outputs));
    const read = [...new Set(idsOf(quantum.inputs))];
    assert.equal(
      nOwnedInputs[q],
      read.filter((id) => !producer.has(id) && consumers.get(id)![0] === q).length,
    );
    assert.equal(
      nProducedInputs[q],
      read.filter((id) => (producer.get(id) ?? Infinity) < regular.length).length,
    );
    if (q < regular.length) assert.equal(index.taskLabel(q), quantum.taskLabel);
  });
}

for (const name of ["small-ok", "small-mixed"]) {
  Deno.test(`buildGraphIndex() equals maps of strings when it reads ${name}`, async () => {
    using graph = await openFixtureGraph(name);
    const inits = taskInitQuanta(graph);
    const index = buildGraphIndex(graph, inits);
    const blocks = [...graph.blocks()].map(({ offset, size, text }) => ({
      offset,
      size,
      quantum: parsePredictedQuantum(text.slice()),
    }));
    compareWithMaps(index, blocks.map(({ quantum }) => quantum), inits);
    assert.deepEqual(
      [...index.arrays.blockOffset.subarray(0, index.nQuanta)],
      blocks.map((b) => b.offset),
    );
    assert.deepEqual(
      [...index.arrays.blockSize.subarray(0, index.nQuanta)],
      blocks.map((b) => b.size),
    );
  });
}

Deno.test("buildGraphIndex() equals maps of strings when graphs are random", () => {
  const asQuantum = ({ inputs, outputs }: TestQuantum, q: number): Quantum => {
    const list = (numbers: readonly number[]) =>
      new Map([["x", numbers.map((d) => ({ idText: datasetUuid(d) }))]]);
    return {
      quantumId: quantumUuid(q),
      taskLabel: "task",
      inputs: list(inputs),
      outputs: list(outputs),
    };
  };
  for (let seed = 0; seed < 20; seed++) {
    const quanta = randomGraph(seed, seed * 5);
    const inits = [{ inputs: [0, 3], outputs: [100_000] }, { inputs: [100_000], outputs: [] }];
    compareWithMaps(
      testIndex(quanta, inits),
      quanta.map(asQuantum),
      inits.map((init, i) => asQuantum(init, quanta.length + i)),
    );
  }
});

Deno.test("GraphIndex keeps ids apart when there are many", () => {
  // Past several growths of arrays and hash table.
  const quanta = Array.from(
    { length: 3000 },
    (_, q) => ({ inputs: [q * 2], outputs: [q * 2 + 1] }),
  );
  const index = testIndex(quanta);
  assert.equal(index.nDatasets, 6000);
  for (let d = 0; d < 6000; d++) {
    const found = index.findDataset(uuidFromText(datasetUuid(d)));
    assert.equal(uuidToText(index.arrays.datasetIds, found * 16), datasetUuid(d));
    assert.equal(index.arrays.producer[found], d % 2 === 1 ? (d - 1) / 2 : -1);
  }
  assert.equal(index.findDataset(uuidFromText(datasetUuid(6000))), -1);
  assert.equal(index.findDataset(new Uint8Array(16)), -1);
  // What workers get is the same.
  const posted = structuredClone(index.arrays);
  const other = new GraphIndex(posted, index.seed);
  assert.equal(
    other.findDataset(uuidFromText(datasetUuid(77))),
    index.findDataset(uuidFromText(datasetUuid(77))),
  );
});

Deno.test("buildGraphIndex() refuses a graph when ids repeat or quanta wait for each other", () => {
  const cases: [quanta: TestQuantum[], message: RegExp][] = [
    [
      [{ inputs: [], outputs: [1] }, { inputs: [], outputs: [1] }],
      /dataset 00000002-0000-7000-8000-000000000001 is written twice/,
    ],
    [[{ inputs: [], outputs: [1, 1] }], /is written twice/],
    [[{ inputs: [1], outputs: [1] }], /1 quanta wait for each other in a circle/],
    [
      [{ inputs: [9], outputs: [5] }, { inputs: [2], outputs: [1] }, {
        inputs: [1],
        outputs: [2, 3],
      }, {
        inputs: [3],
        outputs: [4],
      }],
      /3 quanta wait .* 00000001-0000-7000-8000-000000000001/,
    ],
  ];
  for (const [quanta, message] of cases) {
    assert.throws(() => testIndex(quanta), (error: Error) => {
      assert.ok(error instanceof InvalidQuantumGraphFileError);
      assert.match(error.message, message);
      assert.match(error.message, /"made-up\.qg"/);
      return true;
    });
  }
  const block = `{"quantum_id":"${quantumUuid(1)}","task_label":"t","inputs":{},"outputs":{}}`;
  const text = new TextEncoder().encode(block);
  assert.throws(
    () =>
      buildGraphIndex({
        path: "p",
        scanBlock: ({ text }, ids) => scanQuantumIds(text, ids),
        blocks: () => [{ offset: 0, size: 1, text }, { offset: 1, size: 1, text }],
      }, []),
    /quantum 00000001-0000-7000-8000-000000000001 occurs twice/,
  );
});

Deno.test("buildGraphIndex() takes an empty graph", () => {
  const index = testIndex([]);
  assert.equal(index.nQuanta + index.nDatasets, 0);
  assert.equal(index.findDataset(new Uint8Array(16)), -1);
});
