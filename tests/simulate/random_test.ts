import assert from "node:assert/strict";
import { UUID_SIZE, uuidToText } from "../../lib/base/uuid.ts";
import { SeededRandom, UuidMaker } from "../../lib/simulate/random.ts";

Deno.test("SeededRandom gives the same numbers for the same seed and stream only", () => {
  const numbers = (seed: number, stream: number) => {
    const random = new SeededRandom(seed, stream);
    return Array.from({ length: 5 }, () => random.next());
  };
  assert.deepEqual(numbers(1, 2), numbers(1, 2));
  const others = [[1, 3], [2, 2], [1, 2 + 2 ** 32], [1 + 2 ** 32, 2]];
  for (const [seed, stream] of others) {
    assert.notDeepEqual(numbers(seed, stream), numbers(1, 2), `${seed}, ${stream}`);
  }
});

Deno.test("SeededRandom covers its ranges evenly", () => {
  const random = new SeededRandom(7, 1);
  const counts = new Array(10).fill(0);
  for (let i = 0; i < 10_000; i++) counts[random.integer(10)]++;
  for (const count of counts) assert.ok(count > 850 && count < 1150, counts.join());
  const values = Array.from({ length: 10_000 }, () => random.normal());
  const mean = values.reduce((sum, value) => sum + value) / values.length;
  const variance = values.reduce((sum, value) => sum + value * value) / values.length;
  assert.ok(Math.abs(mean) < 0.05 && Math.abs(variance - 1) < 0.06, `${mean} ${variance}`);
});

Deno.test("UuidMaker makes UUIDs of version 7 that begin at the time given", () => {
  const ids = new UuidMaker(new SeededRandom(1, 1), 1_782_864_000_000).make(1000);
  const texts = new Set<string>();
  for (let at = 0; at < ids.length; at += UUID_SIZE) texts.add(uuidToText(ids, at));
  assert.equal(texts.size, 1000);
  for (const text of texts) {
    assert.match(text, /^019f1af9-b4[0-9a-f]{2}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-/);
  }
});
