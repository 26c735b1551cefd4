/** JSON Schemas of `schema/json/`, against which tests check what commands print. */

import assert from "node:assert/strict";
import { importAjv, type Validator } from "./packages.ts";

const validators = new Map<string, Validator>();
/** The package, or why it can't be loaded, which is told by the first test that needs it. */
const loaded = await importAjv().catch((error: Error) => error);

/**
 * Fails unless a value is as `schema/json/NAME.schema.json` says.
 *
 * @param value As `JSON.parse` gives it.
 * @param what Named in the failure.
 */
export function assertMatchesSchema(name: string, value: unknown, what = name): void {
  if (loaded instanceof Error) throw loaded;
  let validate = validators.get(name);
  if (validate === undefined) {
    const url = new URL(`../../schema/json/${name}.schema.json`, import.meta.url);
    const ajv = new loaded.Ajv2020({ allErrors: true, strict: true, allowUnionTypes: true });
    validators.set(name, validate = ajv.compile(JSON.parse(Deno.readTextFileSync(url))));
  }
  assert.ok(validate(value), `${what}: ${JSON.stringify(validate.errors, null, 1)}`);
}
