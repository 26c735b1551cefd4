/** Waiting for a locked database: how long, what is said, and what ends it. */

import assert from "node:assert/strict";
import { EnvironmentError, type InterruptedError } from "../../lib/base/errors.ts";
import { untilUnlocked } from "../../lib/butler/lock_wait.ts";

/** A database that is locked for so many tries, and a clock that each try moves by a second. */
function makeWork(nLocked: number) {
  const state = { nTries: 0, nowMs: Date.UTC(2026, 6, 1), told: [] as string[] };
  const work = () => {
    state.nTries++;
    state.nowMs += 1000;
    if (state.nTries <= nLocked) throw new EnvironmentError("it is locked", { hint: "wait" });
    return "done";
  };
  const options = {
    now: () => new Date(state.nowMs),
    log: { log: (level: string, text: string) => void state.told.push(`${level} ${text}`) },
  };
  const isLocked = (error: unknown) => error instanceof EnvironmentError;
  return { state, work, options, isLocked };
}

for (
  const [nLocked, told] of [
    [0, []],
    [1, []],
    [2, ["00:00:01"]],
    [61, ["00:00:01"]],
    [63, ["00:00:01", "00:00:01"]],
  ] as const
) {
  Deno.test(`untilUnlocked() says ${told.length} times what it waits for after ${nLocked} tries`, async () => {
    const { state, work, options, isLocked } = makeWork(nLocked);
    const wait = { ...options, busyTimeoutMs: 300_000 };
    assert.equal(await untilUnlocked('registry "x"', work, isLocked, wait), "done");
    assert.equal(state.nTries, nLocked + 1);
    assert.deepEqual(
      state.told,
      told.map((time) =>
        `WARNING Waiting since 2026-07-01T${time}Z for registry "x": another process holds a lock ` +
        "on it (--busy-timeout 300)."
      ),
    );
  });
}

Deno.test("untilUnlocked() gives up when the time is over, and says how long it waited", async () => {
  const { state, work, options, isLocked } = makeWork(1000);
  await assert.rejects(
    untilUnlocked('registry "x"', work, isLocked, { ...options, busyTimeoutMs: 20_000 }),
    (error: EnvironmentError) => {
      assert.equal(error.message, "it is locked, for 20 s");
      assert.equal(error.hint, "wait; --busy-timeout says how long to wait");
      return true;
    },
  );
  assert.equal(state.nTries, 21);
});

Deno.test("untilUnlocked() with a timeout of 0 tries once", async () => {
  const { state, work, options, isLocked } = makeWork(1);
  await assert.rejects(
    untilUnlocked('registry "x"', work, isLocked, { ...options, busyTimeoutMs: 0 }),
    /^EnvironmentError: it is locked$/,
  );
  assert.equal(state.nTries, 1);
});

Deno.test("untilUnlocked() lets other errors through at once", async () => {
  const { options, isLocked } = makeWork(0);
  const work = () => {
    throw new TypeError("a bug");
  };
  await assert.rejects(untilUnlocked("x", work, isLocked, options), TypeError);
});

Deno.test("untilUnlocked() ends when it is told to stop", async () => {
  const { state, work, options, isLocked } = makeWork(1000);
  const stopping = new AbortController();
  const waiting = untilUnlocked('registry "x"', work, isLocked, {
    ...options,
    signal: stopping.signal,
  });
  stopping.abort({ signal: "SIGTERM", number: 15 });
  await assert.rejects(waiting, (error: InterruptedError) => {
    assert.equal(error.exitCode, 143);
    return true;
  });
  assert.equal(state.nTries, 1);
});
