import assert from "node:assert/strict";
import { EnvironmentError, NotFoundError } from "../../lib/base/errors.ts";
import { LockFile, type LockHolder } from "../../lib/store/lock_file.ts";
import { inTemporaryDirectory } from "./support.ts";

/** The lock that a run of `acquire()` leaves, changed. */
function forgeLock(path: string, change: Partial<LockHolder>): void {
  const lock = LockFile.acquire(path);
  const holder = JSON.parse(Deno.readTextFileSync(lock.path));
  lock.release();
  Deno.writeTextFileSync(lock.path, JSON.stringify({ ...holder, ...change }));
}

/** Pid of a process that has ended. */
function endedPid(): number {
  const child = new Deno.Command("true", { stdin: "null" }).outputSync();
  assert.ok(child.success);
  // Above the largest pid the system gives out: never a process.
  return 2 ** 22 + 1;
}

Deno.test("LockFile.acquire() refuses a lock that is held and says by whom", () => {
  inTemporaryDirectory((directory) => {
    const path = `${directory}/out.qg`;
    {
      using lock = LockFile.acquire(path);
      const holder = JSON.parse(Deno.readTextFileSync(lock.path)) as LockHolder;
      assert.deepEqual([holder.host, holder.pid], [Deno.hostname(), Deno.pid]);
      assert.throws(() => LockFile.acquire(path), (error: Error) => {
        assert.ok(error instanceof EnvironmentError);
        for (const part of [lock.path, Deno.hostname(), String(Deno.pid), holder.since]) {
          assert.ok(error.message.includes(part));
        }
        assert.ok(error.hint?.includes(`remove "${lock.path}"`));
        return true;
      });
    }
    LockFile.acquire(path).release();
    assert.deepEqual([...Deno.readDirSync(directory)], []);
  });
});

Deno.test("LockFile.acquire() replaces a lock whose process is gone", () => {
  inTemporaryDirectory((directory) => {
    const path = `${directory}/out.qg`;
    for (const change of [{ pid: endedPid() }, { processStart: "1" }]) {
      forgeLock(path, change);
      using lock = LockFile.acquire(path);
      assert.equal(JSON.parse(Deno.readTextFileSync(lock.path)).pid, Deno.pid);
      assert.equal([...Deno.readDirSync(directory)].length, 1);
    }
  });
});

Deno.test("LockFile.acquire() leaves alone what it can't judge", () => {
  inTemporaryDirectory((directory) => {
    const path = `${directory}/out.qg`;
    const pid = endedPid();
    const foreign: Partial<LockHolder>[] = [
      { host: "elsewhere", pid },
      { pidNamespace: "pid:[1]", pid },
      // Its process can't be seen, and it doesn't say that it keeps the advisory lock.
      { processStart: null, keepsAdvisory: false },
    ];
    for (const change of foreign) {
      forgeLock(path, change);
      assert.throws(() => LockFile.acquire(path), EnvironmentError);
      Deno.removeSync(`${path}.lock`);
    }
    for (const text of ["", "not JSON", "null", "[]", '{"host":1}', '{"host":"h","pid":-1}']) {
      Deno.writeTextFileSync(`${path}.lock`, text);
      assert.throws(() => LockFile.acquire(path), /does not say who holds it/);
      assert.equal(Deno.readTextFileSync(`${path}.lock`), text);
    }
  });
});

Deno.test("LockFile.acquire() asks the advisory lock about a holder that can't be seen", () => {
  inTemporaryDirectory((directory) => {
    const path = `${directory}/out.qg`;
    // As a compiled binary writes it, which can't read its own start.
    forgeLock(path, { processStart: null, pidNamespace: null, pid: endedPid() });
    {
      using holder = Deno.openSync(`${path}.lock`, { read: true, write: true });
      holder.lockSync(true);
      assert.throws(() => LockFile.acquire(path), /holds/);
    }
    using lock = LockFile.acquire(path);
    assert.equal(JSON.parse(Deno.readTextFileSync(lock.path)).pid, Deno.pid);
  });
});

Deno.test("LockFile.release() leaves a lock that is no longer its own", () => {
  inTemporaryDirectory((directory) => {
    const lock = LockFile.acquire(`${directory}/a`);
    Deno.renameSync(lock.path, `${directory}/elsewhere`);
    Deno.writeTextFileSync(lock.path, "another's");
    lock.release();
    lock.release();
    assert.equal(Deno.readTextFileSync(lock.path), "another's");
  });
});

Deno.test("LockFile.acquire() says when the directory is missing", () => {
  inTemporaryDirectory((directory) => {
    assert.throws(() => LockFile.acquire(`${directory}/b/out.qg`), NotFoundError);
  });
});

Deno.test("LockFile.acquire() lets one of many win, new lock or stale", async () => {
  await inTemporaryDirectory(async (directory) => {
    const source = new URL("./lock_race_worker.ts", import.meta.url);
    const workers = Array.from({ length: 3 }, () => new Worker(source, { type: "module" }));
    try {
      await Promise.all(workers.map(nextMessage));
      for (let round = 0; round < 30; round++) {
        const path = `${directory}/${round}`;
        if (round % 3 !== 0) forgeLock(path, { processStart: "1" });
        const answers = workers.map(nextMessage);
        for (const worker of workers) worker.postMessage(path);
        const won = (await Promise.all(answers)).filter((answer) => answer === "won");
        assert.equal(won.length, 1, `round ${round}: ${won.length} winners`);
      }
    } finally {
      for (const worker of workers) worker.terminate();
    }
  });
});

function nextMessage(worker: Worker): Promise<unknown> {
  return new Promise((resolve, reject) => {
    worker.onmessage = (event) => resolve(event.data);
    worker.onerror = (event) => reject(new Error(event.message));
  });
}
