/**
 * What somebody typed, looked for in a registry: RUNs by the types of their datasets, quanta by a part
 * of their data IDs.
 *
 * @module
 */

import { NotFoundError, UsageError } from "../base/errors.ts";
import { stringifyJson } from "../base/json_text.ts";
import { UUID_SIZE } from "../base/uuid.ts";
import { formatDataId } from "../butler/dimensions/data_id.ts";
import type { DimensionUniverse } from "../butler/dimensions/dimensions.ts";
import { RUN_PROVENANCE } from "../butler/registry/provenance_dataset.ts";
import type { Registry } from "../butler/registry/registry.ts";
import {
  type Candidate,
  matchesValue,
  MAX_CANDIDATES,
  onlyCandidate,
  type Selector,
} from "./selector.ts";
import type { DataIdValue } from "../butler/dimensions/data_id_value.ts";
import type { DimensionGroup } from "../butler/dimensions/dimension_group.ts";

/** A registry and how messages call its repository. */
export interface SearchedRegistry {
  readonly registry: Registry;
  readonly name: string;
}

/** Whether a registered data ID has the values that were typed. */
export async function fitsDataId(
  registry: Registry,
  group: DimensionGroup,
  required: readonly DataIdValue[],
  given: ReadonlyMap<string, string>,
): Promise<boolean> {
  const isRequiredOnly = [...given.keys()].every((name) => group.required.includes(name));
  const values = isRequiredOnly ? required : await registry.expandDataId(group, required);
  const names = [...group.required, ...group.implied];
  return values.every((value, i) => {
    const text = given.get(names[i]);
    return text === undefined || matchesValue(value, text);
  });
}

/** Data ID of the only quantum that fits; a failed one may have left a log alone. */
export async function searchQuantum(
  { registry, name }: SearchedRegistry,
  label: string,
  group: DimensionGroup,
  run: string,
  given: ReadonlyMap<string, string>,
  selector: Selector,
): Promise<DataIdValue[]> {
  const found = new Map<string, Candidate & { required: DataIdValue[] }>();
  for await (
    const batch of registry.runRecords(run, [`${label}_metadata`, `${label}_log`])
  ) {
    for (let i = 0; i < batch.n && found.size <= MAX_CANDIDATES; i++) {
      const id = batch.ids.slice(i * UUID_SIZE, (i + 1) * UUID_SIZE);
      const info = await registry.datasetInfo(id);
      if (info === null || !await fitsDataId(registry, group, info.required, given)) continue;
      const text = `${info.typeName} ${formatDataId(group, info.required)}`;
      found.set(stringifyJson(info.required), { id, text, required: info.required });
    }
  }
  if (found.size === 0) {
    throw new NotFoundError(
      `Cannot find "${selector.words.join(" ")}" in RUN "${run}" of ${name}`,
      { hint: `what isn't registered is found by all of ${group.required.join(", ")} only` },
    );
  }
  const { id } = onlyCandidate([...found.values()], selector, `RUN "${run}" of ${name}`);
  return [...found.values()].find((candidate) => candidate.id === id)!.required;
}

/** Value of a dimension as it was typed. @throws {UsageError} if it can't be one. */
export function typedValue(
  universe: DimensionUniverse,
  dimension: string,
  text: string,
): DataIdValue {
  if (universe.keyType(dimension).type === "string") return text;
  if (!/^[+-]?\d{1,19}$/.test(text)) {
    throw new UsageError(`Cannot use ${dimension}=${text}: ${dimension} is an integer`);
  }
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : BigInt(text);
}

/** The only RUN that holds datasets of these types. */
export async function onlyRun(
  { registry, name }: SearchedRegistry,
  typeNames: readonly string[],
  what: string,
): Promise<string> {
  const all = new Set<string>();
  for (const typeName of typeNames) {
    for (const run of await registry.runsWithDatasetType(typeName)) all.add(run);
  }
  const runs = [...all].sort();
  if (runs.length === 1) return runs[0];
  const types = typeNames.map((name) => `"${name}"`).join(" or ");
  if (runs.length === 0) {
    throw new NotFoundError(`Cannot find ${what} in ${name}: no RUN holds ${types}`, {
      hint: typeNames.includes(RUN_PROVENANCE)
        ? "run ingest-graph first, or give the graph as SOURCE"
        : "run aggregate-graph first, or say where with --run",
    });
  }
  const shown = runs.slice(0, MAX_CANDIDATES).join(", ");
  throw new UsageError(
    `Cannot tell which RUN of ${name} is meant: ${runs.length} hold ${types}`,
    { hint: `give --run, one of ${shown}${runs.length > MAX_CANDIDATES ? ", ..." : ""}` },
  );
}
