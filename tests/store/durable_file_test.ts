import assert from "node:assert/strict";
import { NotFoundError } from "../../lib/base/errors.ts";
import { fsyncDirectory, renameDurably, temporaryPath } from "../../lib/store/durable_file.ts";
import { inTemporaryDirectory } from "./support.ts";

Deno.test("renameDurably() replaces the target, and says when there is nothing to rename", () => {
  inTemporaryDirectory((directory) => {
    const final = `${directory}/out.qg`;
    const temporary = temporaryPath(final);
    assert.equal(temporary, `${final}.tmp-${Deno.pid}`);
    Deno.writeTextFileSync(final, "old");
    Deno.writeTextFileSync(temporary, "new");
    renameDurably(temporary, final);
    assert.equal(Deno.readTextFileSync(final), "new");
    assert.throws(() => renameDurably(temporary, final), NotFoundError);
    fsyncDirectory(directory);
    assert.throws(() => fsyncDirectory(`${directory}/b`), NotFoundError);
  });
});
