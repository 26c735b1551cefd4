/** `cat` without options but `--run`, which is carried out without the parser of options. */

import assert from "node:assert/strict";
import { fixturePath, runProvgraph } from "../support/fixtures.ts";

const MIXED = fixturePath("small-mixed", "provenance.qg");
const QUANTUM = ["calibrate", "visit=1", "detector=4"];

const RUN = "u/oracle/out/20260701T000000Z";

/** Words after SOURCE, and whether there is such a document. */
const REQUESTS: readonly (readonly [words: string[], isThere: boolean])[] = [
  [["log", ...QUANTUM], true],
  [["metadata", ...QUANTUM], true],
  [["quantum", ...QUANTUM], true],
  [["config", "calibrate"], true],
  [["packages"], true],
  [["header"], true],
  [["log", "calibrate", "visit=1", "detector=99"], false],
  [["log", "nothing"], false],
  [["log"], false],
  [["letter", ...QUANTUM], false],
  [["log", ...QUANTUM, "--run", RUN], true],
  [["--run", RUN, "log", ...QUANTUM], true],
  [["log", "--run", RUN, ...QUANTUM], true],
  [["log", ...QUANTUM, "--run", "u/another"], false],
  [["log", ...QUANTUM, "--run"], false],
  [["log", ...QUANTUM, "--run", ""], false],
  [["--run", RUN], false],
  [[], false],
];

Deno.test("cat without options answers as with one that changes nothing", async (t) => {
  for (const [words, isThere] of REQUESTS) {
    await t.step(`cat SOURCE ${words.join(" ")}`, async () => {
      const plain = await runProvgraph(["cat", MIXED, ...words]);
      const parsed = await runProvgraph(["--color", "never", "cat", MIXED, ...words]);
      assert.equal(plain.code, parsed.code, plain.stderr);
      assert.equal(plain.code === 0, isThere, plain.stderr);
      assert.equal(plain.stdout, parsed.stdout);
      assert.equal(plain.stderr, parsed.stderr);
      assert.equal(plain.stdout !== "", isThere);
    });
  }
});
