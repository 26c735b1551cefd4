/** JSON Schemas of `schema/json/`, against which tests check what commands print. */

import assert from "node:assert/strict";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";

const validators = new Map<string, ValidateFunction>();

/**
 * Fails unless a value is as `schema/json/NAME.schema.json` says.
 *
 * @param value As `JSON.parse` gives it.
 * @param what Named in the failure.
 */
export function assertMatchesSchema(name: string, value: unknown, what = name): void {
  let validate = validators.get(name);
  if (validate === undefined) {
    const url = new URL(`../../schema/json/${name}.schema.json`, import.meta.url);
    const ajv = new Ajv2020({ allErrors: true, strict: true, allowUnionTypes: true });
    validators.set(name, validate = ajv.compile(JSON.parse(Deno.readTextFileSync(url))));
  }
  assert.ok(validate(value), `${what}: ${JSON.stringify(validate.errors, null, 1)}`);
}
