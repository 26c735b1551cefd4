import assert from "node:assert/strict";
import { NotFoundError } from "../../lib/base/errors.ts";
import { fsyncDirectory, linkTarget, renameDurably } from "../../lib/store/durable_file.ts";
import { inTemporaryDirectory } from "./support.ts";

Deno.test("renameDurably() replaces the target, and says when there is nothing to rename", () => {
  inTemporaryDirectory((directory) => {
    const final = `${directory}/out.qg`;
    const temporary = `${final}.new`;
    Deno.writeTextFileSync(final, "old");
    Deno.writeTextFileSync(temporary, "new");
    renameDurably(temporary, final);
    assert.equal(Deno.readTextFileSync(final), "new");
    assert.throws(() => renameDurably(temporary, final), NotFoundError);
    fsyncDirectory(directory);
    assert.throws(() => fsyncDirectory(`${directory}/b`), NotFoundError);
  });
});

Deno.test("linkTarget() follows links to the end, also where nothing is yet", () => {
  inTemporaryDirectory((directory) => {
    Deno.mkdirSync(`${directory}/d`);
    Deno.symlinkSync("d/second", `${directory}/first`);
    Deno.symlinkSync("../end", `${directory}/d/second`);
    assert.equal(linkTarget(`${directory}/first`), `${directory}/end`);
    assert.equal(linkTarget(`${directory}/end`), `${directory}/end`);
    Deno.symlinkSync("b", `${directory}/a`);
    Deno.symlinkSync("a", `${directory}/b`);
    assert.throws(() => linkTarget(`${directory}/a`), /goes in a circle/);
  });
});
