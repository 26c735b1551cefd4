/** Files read ahead: the same as those read at their turn, and only where that is worth while. */

import assert from "node:assert/strict";
import { EnvironmentError } from "../../lib/base/errors.ts";
import { fileIdentity, ReusableBuffer } from "../../lib/storage/file_source.ts";
import { type ReadAhead, WholeFiles } from "../../lib/storage/whole_files.ts";
import { inTemporaryDirectory } from "./support.ts";

const buffer = new ReusableBuffer();

/** Writes a file for each turn, `0` to `n - 1`, with its own name in it. */
function writeFiles(directory: string, n: number): string[] {
  return Array.from({ length: n }, (_, i) => {
    const path = `${directory}/${i}`;
    Deno.writeTextFileSync(path, String(i));
    return path;
  });
}

/** Content of a file as it is read at its turn; null if there is none. */
function textOf(files: WholeFiles, path: string): string | null {
  const file = files.read(path, buffer);
  return file && new TextDecoder().decode(file.bytes);
}

/** A file a turn, and all of them changed when the first turn has been reached. */
async function readChangedLater(when: ReadAhead, isContentWanted = true) {
  return await inTemporaryDirectory(async (directory) => {
    const paths = writeFiles(directory, 3);
    const files = new WholeFiles(when, 1);
    const turns = files.turns(3, (turn) => [{ path: paths[turn], isContentWanted }]);
    const found: (string | null)[] = [];
    for (const [turn, path] of paths.entries()) {
      await turns.reach(turn);
      if (turn === 0) { for (const path of paths) Deno.writeTextFileSync(path, "changed"); }
      found.push(textOf(files, path));
    }
    turns.end(2);
    return found;
  });
}

Deno.test("files are read before their turn if that is wanted, and only then", async () => {
  const [first] = await readChangedLater("always");
  assert.equal(first, "0");
  assert.deepEqual(await readChangedLater("never"), ["changed", "changed", "changed"]);
  // Only looked at: the content is that at the turn.
  assert.deepEqual(await readChangedLater("always", false), ["changed", "changed", "changed"]);
});

Deno.test("a file that was read ahead has its content, size and time", async () => {
  await inTemporaryDirectory(async (directory) => {
    const [path] = writeFiles(directory, 1);
    Deno.utimeSync(path, 1_700_000_000, 1_700_000_000.125);
    const plain = new WholeFiles("never", 1);
    const files = new WholeFiles("always", 1);
    const turns = files.turns(1, () => [{ path, isContentWanted: true }]);
    await turns.reach(0);
    const { seenMs, ...read } = files.read(path, buffer)!;
    const { seenMs: seenLaterMs, ...readPlainly } = plain.read(path, buffer)!;
    assert.deepEqual(read, readPlainly);
    assert.ok(seenMs <= seenLaterMs);
    assert.deepEqual({ ...fileIdentity(path), bytes: read.bytes, seenMs }, { ...read, seenMs });
    assert.equal(files.identity(path)!.mtimeNs, 1_700_000_000_125_000_000n);
    // When the turn is over, the present file counts again.
    turns.end(0);
    Deno.writeTextFileSync(path, "later");
    assert.equal(textOf(files, path), "later");
    const { seenMs: seenBeforeMs, ...identity } = files.identity(path)!;
    const { seenMs: seenAtLastMs, ...found } = fileIdentity(path)!;
    assert.deepEqual(identity, found);
    assert.ok(seenBeforeMs <= seenAtLastMs);
  });
});

Deno.test("a file that isn't there when it is read ahead counts as absent for its turn", async () => {
  await inTemporaryDirectory(async (directory) => {
    const path = `${directory}/a`;
    const files = new WholeFiles("always", 1);
    const turns = files.turns(1, () => [{ path, isContentWanted: true }]);
    await turns.reach(0);
    Deno.writeTextFileSync(path, "late");
    assert.equal(files.read(path, buffer), null);
    assert.equal(files.identity(path), null);
    turns.end(0);
    assert.equal(textOf(files, path), "late");
  });
});

Deno.test("a large file is read at its turn", async () => {
  await inTemporaryDirectory(async (directory) => {
    const path = `${directory}/a`;
    Deno.writeFileSync(path, new Uint8Array(2 ** 18 + 1));
    const files = new WholeFiles("always", 1);
    const turns = files.turns(1, () => [{ path, isContentWanted: true }]);
    await turns.reach(0);
    Deno.writeTextFileSync(path, "changed");
    assert.equal(textOf(files, path), "changed");
  });
});

Deno.test("what can't be read ahead fails at its turn, as without", async () => {
  await inTemporaryDirectory(async (directory) => {
    const fifo = `${directory}/fifo`;
    assert.ok(new Deno.Command("mkfifo", { args: [fifo] }).outputSync().success);
    // Reading the last one would wait for a writer for ever.
    const paths = [directory, `${directory}/${"x".repeat(300)}`, fifo];
    const files = new WholeFiles("always", 1);
    const wanted = paths.map((path) => ({ path, isContentWanted: true }));
    await files.turns(1, () => wanted).reach(0);
    for (const path of paths) assert.throws(() => files.read(path, buffer), EnvironmentError);
  });
});

Deno.test("many readers read few files ahead each, as a process may not have many open", async () => {
  await inTemporaryDirectory(async (directory) => {
    const paths = writeFiles(directory, 40);
    for (const [nReaders, nExpected] of [[1, 16], [64, 4], [1000, 1]]) {
      const asked: number[] = [];
      const turns = new WholeFiles("always", nReaders).turns(40, (turn) => {
        asked.push(turn);
        return [{ path: paths[turn], isContentWanted: true }];
      });
      await turns.reach(0);
      assert.deepEqual(asked, Array.from({ length: nExpected }, (_, i) => i));
      await turns.reach(1);
      assert.equal(asked.length, nExpected + 1);
      await Promise.all(asked.map((turn) => turns.reach(turn)));
    }
  });
});

/** A clock in whose eyes each reading takes as long as it is told. */
function fakeClock(): { readMs: number; now: () => number } {
  let nowMs = 0;
  const clock = { readMs: 0, now: () => nowMs += clock.readMs };
  return clock;
}

Deno.test("files are read ahead while reading them is slow", async () => {
  await inTemporaryDirectory(async (directory) => {
    const paths = writeFiles(directory, 300);
    const clock = fakeClock();
    const files = new WholeFiles("auto", 1, clock.now);
    const turns = files.turns(300, (turn) => [{ path: paths[turn], isContentWanted: true }]);
    const isAhead: boolean[] = [];
    const take = async (turn: number) => {
      const areRead = turns.reach(turn);
      isAhead.push(areRead !== null);
      await areRead;
      assert.equal(textOf(files, paths[turn]), String(turn));
    };
    clock.readMs = 0.05;
    for (let turn = 0; turn < 100; turn++) await take(turn);
    assert.ok(!isAhead.includes(true), "quick files were read ahead");
    // One that was held up says nothing.
    clock.readMs = 5;
    for (let turn = 100; turn < 103; turn++) await take(turn);
    clock.readMs = 0.05;
    for (let turn = 103; turn < 130; turn++) await take(turn);
    assert.ok(!isAhead.includes(true), "a few slow files counted as slow");
    clock.readMs = 1;
    for (let turn = 130; turn < 200; turn++) await take(turn);
    assert.deepEqual(isAhead.slice(130, 138), new Array(8).fill(false));
    // All but those by which it is seen whether it is slow still.
    const nAhead = isAhead.slice(138, 200).filter((is) => is).length;
    assert.ok(nAhead >= 58 && nAhead < 62, `${nAhead} of 62 were read ahead`);
  });
});

Deno.test("files are read one by one again when that is quick again", async () => {
  await inTemporaryDirectory(async (directory) => {
    const [path] = writeFiles(directory, 1);
    const clock = fakeClock();
    const files = new WholeFiles("auto", 1, clock.now);
    const isAhead: boolean[] = [];
    const take = async (nTurns: number) => {
      const turns = files.turns(nTurns, () => [{ path, isContentWanted: true }]);
      for (let turn = 0; turn < nTurns; turn++) {
        const areRead = turns.reach(turn);
        isAhead.push(areRead !== null);
        await areRead;
        files.read(path, buffer);
        turns.end(turn);
      }
    };
    clock.readMs = 1;
    await take(100);
    assert.ok(isAhead.includes(true));
    clock.readMs = 0.05;
    await take(1000);
    assert.ok(!isAhead.slice(-300).includes(true));
  });
});
