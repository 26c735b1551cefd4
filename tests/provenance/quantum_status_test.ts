import assert from "node:assert/strict";
import {
  AttemptStatus,
  attemptStatusName,
  KNOWN_CAVEATS,
  ScanStatus,
} from "../../lib/provenance/quantum_status.ts";

Deno.test("AttemptStatus has the numbers of the file format", () => {
  assert.deepEqual(AttemptStatus, {
    ABORTED: -4,
    UNKNOWN: -3,
    ABORTED_SUCCESS: -2,
    FAILED: -1,
    BLOCKED: 0,
    SUCCESSFUL: 1,
  });
  assert.equal(KNOWN_CAVEATS, 127);
});

Deno.test("attemptStatusName() gives the name, or the number when it isn't known", () => {
  for (const [name, value] of Object.entries(AttemptStatus)) {
    assert.equal(attemptStatusName(value), name);
  }
  assert.equal(attemptStatusName(7), "7");
});

Deno.test("ScanStatus has the numbers of the chunk log format, none of them 0", () => {
  assert.deepEqual(ScanStatus, { SUCCESSFUL: 1, FAILED: 2, BLOCKED: 3, ABANDONED: 4 });
});
