import assert from "node:assert/strict";
import { TOOL_NAME, TOOL_VERSION } from "../../../lib/base/version.ts";
import { packagesJson } from "../../../lib/provenance/documents/packages.ts";

function packages(
  document: string | null,
): { versions: Record<string, string>; isBroken: boolean } {
  const { text, isBroken } = packagesJson(document);
  return { versions: JSON.parse(new TextDecoder().decode(text)), isBroken };
}

const OWN = { [TOOL_NAME]: TOOL_VERSION };

Deno.test("packagesJson() keeps versions as text when they look like numbers or booleans", () => {
  const document = "!<lsst.utils.packages.Packages>\n" +
    "numpy: 2.3.5\npython: 3.13.5\nzstandard: 0.23\na: 1e3\nb: true\nc: null\nd: ~\ne: '1.0'\n" +
    '"quoted name": 2025.10.5\nf: 0o17\né: ü\n';
  assert.deepEqual(packages(document), {
    versions: {
      numpy: "2.3.5",
      python: "3.13.5",
      zstandard: "0.23",
      a: "1e3",
      b: "true",
      c: "null",
      d: "~",
      e: "1.0",
      "quoted name": "2025.10.5",
      f: "0o17",
      é: "ü",
      ...OWN,
    },
    isBroken: false,
  });
});

Deno.test("packagesJson() gives this tool alone when the run has no packages", () => {
  assert.deepEqual(packages(null), { versions: OWN, isBroken: false });
});

Deno.test("packagesJson() leaves the document out and says so when it can't be understood", () => {
  for (
    const document of [
      "",
      "text",
      "- a\n- b\n",
      "{",
      "a: [",
      "a: 1\n b: 2\n  c",
      "a: &x 1\nb: *x\n",
      "\t",
      "%YAML 9\n---\n'",
    ]
  ) {
    const { versions, isBroken } = packages(document);
    assert.ok(isBroken, document);
    assert.equal(versions[TOOL_NAME], TOOL_VERSION);
  }
});

Deno.test("packagesJson() takes the last version when a package is named twice", () => {
  assert.deepEqual(packages("a: 1\na: 2\n"), { versions: { a: "2", ...OWN }, isBroken: false });
});

Deno.test("packagesJson() drops members that are no versions", () => {
  assert.deepEqual(packages("a: 1\nb: [1]\nc: {d: 1}\n").versions, { a: "1", ...OWN });
});

Deno.test("packagesJson() does not let a document expand without end", () => {
  const bomb = ["a: &a [x,x,x,x,x,x,x,x,x]"];
  for (let i = 1; i < 12; i++) {
    bomb.push(`k${i}: &k${i} [${Array(9).fill(i === 1 ? "*a" : `*k${i - 1}`).join(",")}]`);
  }
  assert.ok(packages(bomb.join("\n")).isBroken);
});
