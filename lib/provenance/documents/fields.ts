/**
 * Values of parsed documents: absent ones have a default, of another kind they are an error. Who asks names the
 * property itself, as looking one up by a name that varies takes ten times as long.
 *
 * @module
 */

import type { JsonValue } from "../../base/json_text.ts";

/** An object of a document. */
type JsonObject = { readonly [key: string]: JsonValue | undefined };

/** The object that a value is. @throws {SyntaxError} if it is none; `what` names it. */
export function objectOf(value: JsonValue | undefined, what: string): JsonObject {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  throw new SyntaxError(`${what} is no object`);
}

/** The array that a value is, an empty one if it is absent. @throws {SyntaxError} if it is none. */
export function arrayOf(value: JsonValue | undefined, what: string): JsonValue[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw new SyntaxError(`${what} is no array`);
  return value;
}

/** The text that a value is, an empty one if it is absent. @throws {SyntaxError} if it is none. */
export function textOf(value: JsonValue | undefined, what: string): string {
  if (value === undefined) return "";
  if (typeof value !== "string") throw new SyntaxError(`${what} is no string`);
  return value;
}

/** The number that a value is, or what stands for an absent one. @throws {SyntaxError} if it is none. */
export function numberOf(value: JsonValue | undefined, what: string, absent: number): number {
  if (typeof value === "number") return value;
  if (value === undefined) return absent;
  if (typeof value === "bigint") return Number(value);
  throw new SyntaxError(`${what} is no number`);
}
