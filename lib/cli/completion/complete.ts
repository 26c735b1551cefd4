/**
 * What can be typed for a task, a dataset type or an ID of a source: read quickly, for somebody waits with a
 * finger on the tab key. So only the first rows are looked at.
 *
 * @module
 */

import type { Registry } from "../../butler/registry/registry.ts";
import { RUN_PROVENANCE } from "../../butler/registry/provenance_dataset.ts";
import { PACKAGES_DATASET_TYPE } from "../../qg/pipeline_graph.ts";
import type { DocumentSource } from "../../sources/source.ts";
import { readQuantum } from "../../provenance/documents/quantum.ts";
import type { CodedColumn } from "../../provenance/table/column_values.ts";
import { mayHave, type QuantaTable } from "../../provenance/table/quanta_table.ts";
import { UUID_SIZE, uuidToText } from "../../base/uuid.ts";

/** Quanta that are looked at, and the time for it. */
const MAX_QUANTA = 20_000;
const MAX_MILLISECONDS = 400;
/** IDs and values that are offered. */
const MAX_OFFERED = 200;

/** RUNs of a repository that a pipeline has written. */
export async function runNames(registry: Registry): Promise<string[]> {
  const names = new Set<string>();
  for (const type of [PACKAGES_DATASET_TYPE, RUN_PROVENANCE]) {
    for (const run of await registry.runsWithDatasetType(type)) names.add(run);
  }
  return [...names].sort();
}

/** Names of dataset types. */
export async function datasetTypeNames(source: DocumentSource): Promise<string[]> {
  return [...(await source.rowDimensions("datasets")).groups.keys()];
}

/**
 * IDs of quanta that begin with some hexadecimal digits.
 *
 * @param maxMs How long quanta may be read that no table holds, in milliseconds; what is found by then is
 * given.
 */
export async function quantumIds(
  source: DocumentSource,
  prefix: string,
  maxMs = MAX_MILLISECONDS,
): Promise<string[]> {
  const wanted = prefix.toLowerCase();
  const found: string[] = [];
  const tabled = await source.tabled?.() ?? null;
  if (tabled !== null) return await idsOfTable(tabled.table, wanted);
  for await (const { quantumId } of firstQuanta(source, maxMs)) {
    if (quantumId.startsWith(wanted) && found.push(quantumId) >= MAX_OFFERED) break;
  }
  return found;
}

/**
 * `DIMENSION=` for dimensions that are left, or all `DIMENSION=VALUE` of the one that was begun.
 *
 * @param given Terms that were typed before.
 * @param begun What was typed of this one.
 * @param maxMs As for {@linkcode quantumIds}.
 */
export async function dataIdTerms(
  source: DocumentSource,
  label: string,
  given: readonly string[],
  begun: string,
  maxMs = MAX_MILLISECONDS,
): Promise<string[]> {
  const { groups } = await source.rowDimensions("quanta");
  const group = groups.get(label);
  if (group === undefined) return [];
  if (!begun.includes("=")) {
    return group.required.map((name) => `${name}=`)
      .filter((start) => !given.some((term) => term.startsWith(start)));
  }
  const start = begun.slice(0, begun.indexOf("=") + 1);
  const found = new Set<string>();
  const tabled = await source.tabled?.() ?? null;
  if (tabled !== null) {
    return await termsOfTable(tabled.table, label, [...group.required, ...group.implied], {
      given,
      start,
    });
  }
  for await (const { taskLabel, dataCoordinate } of firstQuanta(source, maxMs)) {
    if (taskLabel !== label) continue;
    const names = [...group.required, ...group.implied];
    const terms = dataCoordinate.map((value, i) => `${names[i]}=${value}`);
    if (!given.every((term) => terms.includes(term))) continue;
    const term = terms.find((each) => each.startsWith(start));
    if (term !== undefined) found.add(term);
    if (found.size >= MAX_OFFERED) break;
  }
  return [...found];
}

/** The same by a table, of which all rows are looked at. */
async function idsOfTable(table: QuantaTable, prefix: string): Promise<string[]> {
  // Two digits a byte: only what agrees so far is made a text.
  const digits = prefix.replaceAll("-", "");
  const bytes = Array.from(
    { length: digits.length >> 1 },
    (_, i) => parseInt(digits.slice(2 * i, 2 * i + 2), 16),
  );
  const found: string[] = [];
  for await (const batch of table.readValues(["quantum_id"])) {
    const { bytes: ids, at } = batch.ids("quantum_id");
    for (let row = 0; row < batch.nRows && found.length < MAX_OFFERED; row++) {
      if (!bytes.every((byte, i) => ids[at[row] + i] === byte)) continue;
      const id = uuidToText(ids.subarray(at[row], at[row] + UUID_SIZE));
      if (id.startsWith(prefix)) found.push(id);
    }
    if (found.length >= MAX_OFFERED) break;
  }
  return found;
}

async function termsOfTable(
  table: QuantaTable,
  label: string,
  names: readonly string[],
  { given, start }: { given: readonly string[]; start: string },
): Promise<string[]> {
  const found = new Set<string>();
  const columns = new Map<string, string>();
  for (const name of names) columns.set(name, table.dimensionColumn(name) ?? "");
  const groups = table.readValues(
    ["task", ...new Set([...columns.values()].filter((column) => column !== ""))],
    (group) => mayHave(group, "task", [label]),
  );
  for await (const batch of groups) {
    const tasks = batch.coded("task");
    const code = tasks.values.indexOf(label);
    const dimensions = [...columns].filter(([, column]) => column !== "")
      .map(([name, column]): [string, CodedColumn] => [`${name}=`, batch.coded(column)]);
    for (let row = 0; row < batch.nRows && found.size < MAX_OFFERED; row++) {
      if (tasks.codes[row] !== code) continue;
      const terms = dimensions.map(([begin, { codes, values }]) => begin + values[codes[row]]);
      if (!given.every((term) => terms.includes(term))) continue;
      const term = terms.find((each) => each.startsWith(start));
      if (term !== undefined) found.add(term);
    }
    if (found.size >= MAX_OFFERED) break;
  }
  return [...found];
}

async function* firstQuanta(source: DocumentSource, maxMs: number) {
  let endMs = Infinity;
  let n = 0;
  for await (const text of source.quanta()) {
    // The first one took the opening of the source as well.
    if (n === 0) endMs = performance.now() + maxMs;
    yield readQuantum(text);
    if (++n >= MAX_QUANTA || performance.now() > endMs) return;
  }
}
