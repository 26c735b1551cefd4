import assert from "node:assert/strict";
import {
  ConflictingDatasetError,
  ConflictingDefinitionError,
  EnvironmentError,
  errorFromData,
  errorToData,
  InvalidChunkLogError,
  InvalidQuantumGraphFileError,
  NotFoundError,
  ProvgraphError,
  RefusedError,
  RepositoryError,
  UsageError,
  WorkerFailedError,
} from "../../lib/base/errors.ts";

Deno.test("errors carry the exit code that the design gives them", () => {
  const codes: [new (message: string) => ProvgraphError, number][] = [
    [ProvgraphError, 1],
    [EnvironmentError, 1],
    [ConflictingDatasetError, 1],
    [WorkerFailedError, 1],
    [UsageError, 2],
    [RefusedError, 2],
    [InvalidQuantumGraphFileError, 2],
    [InvalidChunkLogError, 2],
    [RepositoryError, 2],
    [ConflictingDefinitionError, 2],
    [NotFoundError, 2],
  ];
  for (const [kind, code] of codes) {
    const error = new kind("Cannot do it");
    assert.equal(error.exitCode, code, kind.name);
    assert.equal(error.name, kind.name);
    assert.ok(error instanceof ProvgraphError);
    assert.equal(error.hint, undefined);
  }
  assert.equal(new WorkerFailedError("x", { exitCode: 2 }).exitCode, 2);
});

Deno.test("errorFromData() gives name, text, code and hint back when an error crossed as data", () => {
  const original = new RefusedError("Cannot do it: no", { hint: "do something else" });
  const data = structuredClone(errorToData(original));
  const error = errorFromData(data, "writer");
  assert.equal(error.name, "RefusedError");
  assert.equal(error.message, original.message);
  assert.equal(error.exitCode, 2);
  assert.equal(error.hint, "do something else");
  assert.equal((error.cause as Error).stack, original.stack);
});

Deno.test("errorFromData() names the worker when the error is none of the tool's own", () => {
  const error = errorFromData(errorToData(new TypeError("x is not iterable")), "writer");
  assert.equal(error.message, 'Cannot go on without worker "writer": x is not iterable');
  assert.match(error.hint!, /again/);
  assert.equal((error.cause as Error).name, "TypeError");
});

Deno.test("errorToData() takes any thrown value", () => {
  assert.deepEqual(errorToData("text"), { name: "Error", message: "text", exitCode: 1 });
  assert.equal(errorToData(new TypeError("t")).name, "TypeError");
  assert.equal(errorToData(null).message, "null");
  assert.equal(errorFromData(errorToData(undefined), "writer").exitCode, 1);
});
