/** Stores that don't answer: one clear error, whatever was asked for. */

import assert from "node:assert/strict";
import { expectProvgraph } from "../support/fixtures.ts";
import { environmentOf } from "./servers.ts";

const VARIABLES = {
  S3_ENDPOINT_URL: "http://127.0.0.1:9",
  AWS_ACCESS_KEY_ID: "somebody",
  AWS_SECRET_ACCESS_KEY: "never-to-be-shown",
};

for (const uri of ["s3://bucket/a/graph.qg", "dav://127.0.0.1:9/a/graph.qg"]) {
  Deno.test(`a store that can't be reached is told by name: ${uri}`, async () => {
    const result = await expectProvgraph(["info", uri], { env: VARIABLES, code: 1 });
    assert.match(result.stderr, /127\.0\.0\.1:9|s3:\/\/bucket/);
    assert.match(result.stderr, /in each of 5 tries/);
    assert.doesNotMatch(result.stderr, new RegExp(VARIABLES.AWS_SECRET_ACCESS_KEY));
  });
}

Deno.test("environmentOf() has these variables and no others", () => {
  const env = environmentOf(VARIABLES);
  assert.equal(env.get("AWS_ACCESS_KEY_ID"), "somebody");
  assert.equal(env.get("PATH"), undefined);
});
