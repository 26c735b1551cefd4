/**
 * `ls attempts`: the attempts of quanta, a row each. What is asked of a quantum's last attempt elsewhere
 * is asked of each here.
 *
 * @module
 */

import { UsageError } from "../../base/errors.ts";
import type { JsonValue } from "../../base/json_text.ts";
import {
  type Attempt,
  type QuantumDocument,
  readQuantum,
} from "../../provenance/documents/quantum.ts";
import { attemptStatusName } from "../../provenance/quantum_status.ts";
import { parseStored } from "../../sources/parse_stored.ts";
import { dataIdObject, type RowDimensions } from "../../sources/rows.ts";
import type { DocumentSource } from "../../sources/source.ts";
import { ATTEMPT_VALUE_FIELDS, attemptValues, isNamed } from "./attempt_fields.ts";
import { FIELD_TYPES, type ListOptions, requireKnown } from "./list_fields.ts";
import { parseWhere, type WhereType, type WhereValue } from "./where_expression.ts";
import type { ListedRow } from "./listed_row.ts";
import type { DimensionGroup } from "../../butler/dimensions/dimension_group.ts";

/** Fields of a listed attempt. Bytes and seconds. */
export const ATTEMPT_FIELDS = [
  "quantum_id",
  "task",
  "data_id",
  "attempt",
  "is_last",
  "status",
  ...ATTEMPT_VALUE_FIELDS,
] as const;

/** Kinds of those that only attempts have. */
const OWN_TYPES: Readonly<Record<string, WhereType>> = { attempt: "int", is_last: "boolean" };

/**
 * Rows that fit, in the order of the source, those of a quantum oldest first. Memory: one quantum.
 *
 * @throws as {@linkcode list}.
 */
export async function* listAttempts(
  source: DocumentSource,
  { tasks, types, statuses, exception, where }: Omit<ListOptions, "kind" | "limit">,
): AsyncGenerator<ListedRow> {
  if (types.length > 0) {
    throw new UsageError("Cannot list attempts by dataset type: --type is for datasets");
  }
  if (source.isPlan) {
    throw new UsageError(`Cannot list attempts of ${source.name}: it has not been run`, {
      hint: "give the provenance graph or the repository",
    });
  }
  const dimensions = await source.rowDimensions("quanta");
  requireKnown(tasks, [...dimensions.groups.keys()], "task", source.name);
  const fits = makeTest(where, dimensions);
  for await (const text of source.quanta()) {
    const quantum = parseStored(`quantum in ${source.name}`, () => readQuantum(text));
    if (tasks.length > 0 && !tasks.includes(quantum.taskLabel)) continue;
    const group = dimensions.groups.get(quantum.taskLabel);
    for (const [i, attempt] of quantum.attempts.entries()) {
      const status = attemptStatusName(attempt.status);
      if (statuses.length > 0 && !statuses.includes(status)) continue;
      if (exception !== null && !isNamed(attempt.exception?.typeName, exception)) continue;
      const row = attemptRow(quantum, i, attempt, group);
      if (fits(row)) yield row;
    }
  }
}

function makeTest(where: string | null, dimensions: RowDimensions): (row: ListedRow) => boolean {
  if (where === null) return () => true;
  const names = new Set([...dimensions.groups.values()].flatMap((group) => group.names));
  const typeOfField = (name: string): WhereType | null =>
    ATTEMPT_FIELDS.some((field) => field === name)
      ? OWN_TYPES[name] ?? FIELD_TYPES[name] ?? null
      : null;
  const test = parseWhere(where, {
    names: [...names, ...ATTEMPT_FIELDS.filter((name) => typeOfField(name) !== null)],
    typeOf: (name) => names.has(name) ? dimensions.universe.keyType(name).type : typeOfField(name),
  });
  return ({ fields }) => {
    const dataId = fields.data_id as { [dimension: string]: JsonValue };
    const value = (name: string) => (names.has(name) ? dataId[name] : fields[name]) as WhereValue;
    return test({ value }) === true;
  };
}

function attemptRow(
  quantum: QuantumDocument,
  attempt: number,
  values: Attempt,
  group: DimensionGroup | undefined,
): ListedRow {
  const fields = {
    quantum_id: quantum.quantumId,
    task: quantum.taskLabel,
    data_id: dataIdObject(group, quantum.dataCoordinate),
    attempt,
    is_last: attempt === quantum.attempts.length - 1,
    status: attemptStatusName(values.status),
    ...attemptValues(values),
  };
  return { fields, requiredDimensions: group?.required ?? [] };
}
