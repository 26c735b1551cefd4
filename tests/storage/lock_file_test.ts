import assert from "node:assert/strict";
import { EnvironmentError, NotFoundError, RefusedError } from "../../lib/base/errors.ts";
import { isConclusive, type LockHolder } from "../../lib/storage/lock_holder.ts";
import { inspectLock, LockFile } from "../../lib/storage/lock_file.ts";
import { removeLeftovers } from "../../lib/storage/temporary_file.ts";
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
        // Removing the lock of a process that runs would be wrong advice.
        assert.match(error.hint!, /wait until it has ended/);
        return true;
      });
    }
    LockFile.acquire(path).release();
    assert.deepEqual([...Deno.readDirSync(directory)], []);
  });
});

/** Texts of locks that no process holds any more, by what became of them. */
const STALE: [string, (whole: string) => string][] = [
  ["of a process that has ended", (whole) => change(whole, { pid: 2 ** 22 + 1 })],
  ["whose number another process has now", (whole) => change(whole, { processStart: "1" })],
  ["of this number in another container", (whole) => change(whole, { pidNamespace: "pid:[1]" })],
  ["of a container with another host name", (whole) => change(whole, { host: "elsewhere" })],
  ["of an earlier boot", (whole) => change(whole, { boot: crypto.randomUUID() })],
  [
    "of a process that could not see its own start",
    (whole) => change(whole, { processStart: null, pidNamespace: null, boot: null }),
  ],
  ["of an earlier release", (whole) => change(whole, { boot: undefined })],
  ["that a power cut emptied", () => ""],
  ["that a power cut has cut", (whole) => whole.slice(0, 30)],
  ["that a power cut filled with zeros", (whole) => "\0".repeat(whole.length)],
];

function change(whole: string, fields: Partial<LockHolder>): string {
  return JSON.stringify({ ...JSON.parse(whole), ...fields });
}

for (const [what, make] of STALE) {
  Deno.test(`LockFile.acquire() replaces a lock ${what}, once its advisory lock is free`, () => {
    inTemporaryDirectory((directory) => {
      const path = `${directory}/out.qg`;
      forgeLock(path, {});
      const text = make(Deno.readTextFileSync(`${path}.lock`));
      Deno.writeTextFileSync(`${path}.lock`, text);
      {
        using holder = Deno.openSync(`${path}.lock`, { read: true, write: true });
        holder.lockSync(true);
        assert.throws(() => LockFile.acquire(path), /holds/);
        assert.equal(Deno.readTextFileSync(`${path}.lock`), text);
        assert.equal(inspectLock(`${path}.lock`)?.use, "held");
      }
      assert.equal(inspectLock(`${path}.lock`)?.use, "free");
      using lock = LockFile.acquire(path);
      assert.equal(JSON.parse(Deno.readTextFileSync(lock.path)).pid, Deno.pid);
      assert.equal([...Deno.readDirSync(directory)].length, 1);
    });
  });
}

/** What a free advisory lock says of a lock whose text is so; `null`: empty or cut. */
const FREE: [
  what: string,
  holder: Partial<LockHolder> | null,
  isLocal: boolean,
  isStale: boolean,
][] = [
  ["on a disk of this host", {}, true, true],
  ["on a disk of this host, of another boot", { boot: "b" }, true, true],
  ["on a disk of this host, cut", null, true, true],
  ["on a disk of this host, kept without advisory lock", { keepsAdvisory: false }, true, false],
  ["on a network file system, of this boot", {}, false, true],
  [
    "on a network file system, of this boot and another container",
    { host: "pod", pidNamespace: "pid:[1]" },
    false,
    true,
  ],
  ["on a network file system, of another boot with this host name", { boot: "b" }, false, false],
  ["on a network file system, of a host that tells no boot", { boot: null }, false, false],
  ["on a network file system, cut", null, false, false],
];

for (const [what, fields, isLocal, isStale] of FREE) {
  Deno.test(`isConclusive(): a free lock ${what} is ${isStale ? "stale" : "unknown"}`, () => {
    const own: LockHolder = {
      host: "here",
      pid: 2,
      boot: "a",
      pidNamespace: "pid:[2]",
      processStart: "1",
      since: "",
      keepsAdvisory: true,
    };
    const holder = fields === null ? null : { ...own, ...fields };
    assert.equal(isConclusive(holder, own, isLocal), isStale);
  });
}

Deno.test("LockFile.acquire() asks the process where no advisory lock was kept", () => {
  inTemporaryDirectory((directory) => {
    const path = `${directory}/out.qg`;
    const keepsAdvisory = false;
    const pid = endedPid();
    const unknown: Partial<LockHolder>[] = [
      { keepsAdvisory, host: "elsewhere", boot: crypto.randomUUID(), pid },
      { keepsAdvisory, pidNamespace: "pid:[1]", pid },
      { keepsAdvisory, processStart: null },
      { keepsAdvisory },
    ];
    for (const fields of unknown) {
      forgeLock(path, fields);
      assert.throws(() => LockFile.acquire(path), (error: Error) => {
        assert.ok(error instanceof EnvironmentError);
        assert.ok(error.hint?.includes(`remove "${path}.lock"`));
        return true;
      });
      Deno.removeSync(`${path}.lock`);
    }
    forgeLock(path, { keepsAdvisory, pid });
    LockFile.acquire(path).release();
  });
});

/** What may have the name of a lock and must stay. */
const NO_LOCKS: [string, RegExp, (path: string) => void][] = [
  ["a directory", /it is a directory/, (path) => Deno.mkdirSync(path)],
  ["a FIFO", /it is a FIFO, not a regular file/, makeFifo],
  ["a link", /it is a symbolic link/, (path) => Deno.symlinkSync("elsewhere", path)],
  [
    "the lock file of another tool",
    /it has other content/,
    (path) => Deno.writeTextFileSync(path, '{"version": 5}'),
  ],
  ["a text", /it has other content/, (path) => Deno.writeTextFileSync(path, "not JSON")],
];

for (const [what, expected, make] of NO_LOCKS) {
  Deno.test(`LockFile.acquire() refuses ${what} in the lock's place and leaves it`, () => {
    inTemporaryDirectory((directory) => {
      const path = `${directory}/out.qg`;
      make(`${path}.lock`);
      const before = Deno.lstatSync(`${path}.lock`);
      assert.throws(() => LockFile.acquire(path), (error: Error) => {
        assert.match(error.message, expected);
        return error instanceof RefusedError;
      });
      assert.equal(inspectLock(`${path}.lock`), null);
      assert.deepEqual(Deno.lstatSync(`${path}.lock`).ino, before.ino);
      assert.equal([...Deno.readDirSync(directory)].length, 1);
    });
  });
}

function makeFifo(path: string): void {
  assert.ok(new Deno.Command("mkfifo", { args: [path] }).outputSync().success);
}

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

for (
  const [what, isTaken] of [
    ["was taken for abandoned", false],
    ["is locked by somebody who sweeps", true],
  ] as [what: string, isTaken: boolean][]
) {
  Deno.test(`LockFile.acquire() makes another draft where one ${what}`, () => {
    inTemporaryDirectory((directory) => {
      const { tryLockSync } = Deno.FsFile.prototype;
      let nTried = 0;
      // Another process removes what killed ones left, just before the draft has its advisory lock.
      const sweep = () => {
        Deno.FsFile.prototype.tryLockSync = tryLockSync;
        removeLeftovers(`${directory}/out.qg`, false);
        Deno.FsFile.prototype.tryLockSync = tried;
      };
      const tried = function (this: Deno.FsFile, isExclusive?: boolean): boolean {
        const isSwept = nTried++ < 3;
        if (isSwept) sweep();
        return isSwept && isTaken ? false : tryLockSync.call(this, isExclusive);
      };
      Deno.FsFile.prototype.tryLockSync = tried;
      let lock: LockFile;
      try {
        lock = LockFile.acquire(`${directory}/out.qg`);
      } finally {
        Deno.FsFile.prototype.tryLockSync = tryLockSync;
      }
      assert.equal(nTried, 4);
      assert.equal(inspectLock(lock.path)?.use, "held");
      lock[Symbol.dispose]();
      assert.deepEqual([...Deno.readDirSync(directory)], []);
    });
  });
}

Deno.test("LockFile.acquire() lets one of many win, new lock or stale", async () => {
  await inTemporaryDirectory(async (directory) => {
    const source = new URL("./lock_race_worker.ts", import.meta.url);
    const workers = Array.from({ length: 3 }, () => new Worker(source, { type: "module" }));
    try {
      await Promise.all(workers.map(nextMessage));
      for (let round = 0; round < 15; round++) {
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
