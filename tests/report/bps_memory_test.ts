import assert from "node:assert/strict";
import { parse } from "yaml";
import { bpsMemory, requestMemory } from "../../lib/report/bps_memory.ts";

function memory(p95: number, max: number) {
  return { n: 2, min: 1, median: p95, p95, max, sum: p95 + max, bins: { lower: [], n: [] } };
}

Deno.test("memory to ask for is in MB, rounded up", () => {
  assert.deepEqual(requestMemory(memory(2_000_000_000, 2_000_000_001)), { p95: 2000, max: 2001 });
  assert.deepEqual(requestMemory(memory(0, 10)), { p95: 1, max: 1 });
  assert.equal(requestMemory(null), null);
});

/** What BPS reads. */
interface Fragment {
  pipetask: Record<string, { requestMemory: number }>;
}

const LABELS = ["isr", "calibrate:odd label", "yes", "1", "a-b", "x\n  y: 1", "#", "null", '"'];

for (const version of ["1.1", "1.2"] as const) {
  Deno.test(`the fragment is YAML ${version} whatever a task is called`, () => {
    const tasks = LABELS.map((task, i) => ({ task, request_memory: { p95: i + 1, max: i + 100 } }));
    const text = bpsMemory([...tasks, { task: "never", request_memory: null }])!;
    const { pipetask } = parse(text, { version }) as Fragment;
    assert.deepEqual(
      Object.entries(pipetask).map(([label, { requestMemory }]) => [
        label,
        requestMemory,
      ]).sort(),
      tasks.map(({ task, request_memory }) => [task, request_memory.max]).sort(),
    );
  });
}

Deno.test("without any figure there is no fragment", () => {
  assert.equal(bpsMemory([{ task: "isr", request_memory: null }]), null);
});
