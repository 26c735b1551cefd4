import assert from "node:assert/strict";
import { cutDictionary, type SampleBlocks } from "../../../lib/aggregate/scan/dictionary.ts";
import { encodeUtf8 } from "../../../lib/base/json_text.ts";
import type { GraphIndex } from "../../../lib/qg/predicted/graph_index.ts";
import { testIndex } from "../../qg/predicted/support.ts";

/** An index of `counts[i]` quanta of task `i`, tasks in turn. */
function indexOf(counts: readonly number[]): GraphIndex {
  const labels: string[] = [];
  for (let round = 0; round < Math.max(...counts, 0); round++) {
    counts.forEach((count, task) => {
      if (round < count) labels.push(`task${task}`);
    });
  }
  return testIndex(labels.map((label, q) => ({ inputs: [], outputs: [q], label })));
}

/** Text that says where it is from, again and again. */
const text = (name: string, size: number) =>
  encodeUtf8(`<${name}>`.repeat(Math.ceil(size / (name.length + 2))).slice(0, size));

function sampler(index: GraphIndex, size: number, hasFiles: (q: number) => boolean = () => true) {
  const asked: number[] = [];
  const sample = (q: number): SampleBlocks => {
    asked.push(q);
    const label = index.taskLabel(q);
    return {
      quantum: text(`${label}:quantum`, size),
      metadata: hasFiles(q) ? text(`${label}:metadata`, size) : null,
      log: hasFiles(q) ? text(`${label}:log`, size) : null,
      datasets: [text(`${label}:dataset`, size), text(`${label}:other`, size)],
    };
  };
  return { asked, sample };
}

const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

Deno.test("cutDictionary() never exceeds the size wanted", () => {
  const index = indexOf([5, 1, 20]);
  for (const blockSize of [0, 1, 10, 500, 100_000]) {
    for (const size of [0, 1, 7, 8, 9, 100, 1000, 32768]) {
      const dictionary = cutDictionary(index, size, 512, sampler(index, blockSize).sample);
      assert.ok(dictionary.length <= size, `${dictionary.length} bytes, wanted ${size}`);
      // Compressors ignore shorter ones, which readers would still have to load.
      assert.ok(dictionary.length === 0 || dictionary.length >= 8);
    }
  }
  const { length } = cutDictionary(index, 32768, 512, sampler(index, 100_000).sample);
  assert.ok(length > 32000, `${length} bytes`);
});

Deno.test("cutDictionary() has blocks of every kind of every task when there are many tasks", () => {
  const index = indexOf([300, 1, 2, 40, 7, 1]);
  const { sample, asked } = sampler(index, 5000);
  const dictionary = decode(cutDictionary(index, 32768, 512, sample));
  for (let task = 0; task < 6; task++) {
    for (const kind of ["quantum", "metadata", "log", "dataset"]) {
      assert.ok(dictionary.includes(`<task${task}:${kind}>`), `task${task} ${kind}`);
    }
  }
  assert.equal(asked.length, new Set(asked).size);
  assert.ok(asked.length <= 12, `${asked.length} quanta sampled`);
});

Deno.test("cutDictionary() puts the kinds with the most blocks last", () => {
  const index = indexOf([1]);
  const dictionary = decode(cutDictionary(index, 4000, 512, sampler(index, 5000).sample));
  const places = ["log", "metadata", "quantum", "dataset"].map((kind) =>
    dictionary.indexOf(`<task0:${kind}>`)
  );
  assert.deepEqual(places, places.toSorted((a, b) => a - b));
});

Deno.test("cutDictionary() looks for quanta with log and metadata when the first have none", () => {
  const index = indexOf([64]);
  const { sample, asked } = sampler(index, 300, (q) => q >= 16);
  const dictionary = decode(cutDictionary(index, 32768, 512, sample));
  assert.ok(dictionary.includes("<task0:log>"));
  assert.ok(asked.length <= 8);
  assert.ok(asked.some((q) => q >= 16));
});

Deno.test("cutDictionary() makes do without files when no quantum has any", () => {
  const index = indexOf([10, 3]);
  const { sample } = sampler(index, 300, () => false);
  const dictionary = decode(cutDictionary(index, 32768, 512, sample));
  for (const name of ["task0:quantum", "task1:quantum", "task0:dataset"]) {
    assert.ok(dictionary.includes(`<${name}>`));
  }
  assert.ok(!dictionary.includes(":log"));
});

Deno.test("cutDictionary() samples no more quanta than allowed, and none for an empty graph", () => {
  const index = indexOf([50, 50, 50]);
  for (const most of [0, 1, 2, 5]) {
    const { sample, asked } = sampler(index, 100);
    cutDictionary(index, 32768, most, sample);
    assert.ok(asked.length <= most, `${asked.length} of ${most}`);
  }
  const empty = indexOf([]);
  assert.equal(cutDictionary(empty, 32768, 512, () => assert.fail("sampled")).length, 0);
  // Where no dictionary is wanted too: samples show whether the graph is that of the run.
  const { sample, asked } = sampler(index, 100);
  assert.equal(cutDictionary(index, 0, 512, sample).length, 0);
  assert.ok(asked.length > 0);
});
