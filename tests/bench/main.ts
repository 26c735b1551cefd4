/**
 * Times the tool on simulated runs, beside floors measured in the same run, and prints ratios.
 *
 *     deno task bench [--quanta 1000,10000] [--log-size 30000] [--trials 3] [--processes 2] [--save NAME]
 *     deno task bench:reference [the same] [--reference-trials 1]
 *
 * `bench:reference` adds the Python tools on copies of the same runs, if ORACLE_ROOT names an
 * installed reference; otherwise it says so and succeeds. PROVGRAPH_BINARY names a compiled binary to
 * be measured instead of the source. `--save` keeps the results in `testdata/bench/NAME.json`.
 *
 * @module
 */

import { join } from "node:path";
import { parseArgs } from "node:util";
import { NoReferenceError, Reference } from "../oracle/reference.ts";
import { PROJECT, temporaryDirectory } from "../support/fixtures.ts";
import { Lab, SIZES } from "./lab.ts";
import { load, type MachineNotes, machineNotes } from "./machine.ts";
import { measureMillion } from "./million.ts";
import { makeRatios } from "./ratios.ts";
import { ratioTable, round, type SizeResult, stageLines, stepTable } from "./results.ts";
import {
  measureCat,
  measureIncomplete,
  measureLife,
  measureReferenceCat,
  ReferenceLife,
} from "./scenarios.ts";

interface Options {
  sizes: number[];
  /** Bytes of a log, in the median. */
  logSize: number;
  nTrials: number;
  nReferenceTrials: number;
  nScanners: number;
  isWithReference: boolean;
  saveAs: string | null;
}

/** What is printed and kept. */
interface Results {
  date: string;
  machine: MachineNotes;
  loadBefore: number;
  loadAfter: number;
  nTrials: number;
  nScanners: number;
  /** Whether a compiled binary was measured. */
  isBinary: boolean;
  sizes: SizeResult[];
}

function parseOptions(args: string[]): Options {
  const { values } = parseArgs({
    args,
    options: {
      quanta: { type: "string", default: "1000,10000" },
      "log-size": { type: "string", default: "30000" },
      trials: { type: "string", default: "3" },
      "reference-trials": { type: "string", default: "1" },
      processes: { type: "string", default: String(navigator.hardwareConcurrency) },
      reference: { type: "boolean", default: false },
      save: { type: "string" },
    },
  });
  const sizes = values.quanta.split(",").map(Number);
  const wrong = sizes.find((size) => !SIZES.includes(size));
  if (wrong !== undefined) throw new Error(`no run of ${wrong} quanta: ${SIZES.join(", ")}`);
  if (values.save !== undefined && !/^[\w.-]+$/.test(values.save)) {
    throw new Error(`"${values.save}" is no name of a file in testdata/bench`);
  }
  return {
    sizes,
    logSize: positive(values["log-size"]),
    nTrials: positive(values.trials),
    nReferenceTrials: positive(values["reference-trials"]),
    nScanners: positive(values.processes),
    isWithReference: values.reference,
    saveAs: values.save ?? null,
  };
}

function positive(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new Error(`"${text}" is no positive number`);
  return value;
}

async function measureSize(
  scratch: string,
  size: number,
  options: Options,
  reference: Reference | null,
  withMillion: boolean,
): Promise<SizeResult> {
  const startMs = performance.now();
  const tell = (text: string) =>
    console.error(`[${((performance.now() - startMs) / 1000).toFixed(0)} s] ${text}`);
  tell(`simulating ${size} quanta`);
  const lab = await Lab.make(scratch, size, options.nScanners, options.logSize);
  // Where there is little to forget, more tables make no difference.
  const withGroups = size >= 10_000;
  tell("aggregating and ingesting");
  const referenceLife = reference &&
    new ReferenceLife(lab, reference, options.nReferenceTrials, withGroups);
  const copy = await measureLife(
    lab,
    options.nTrials,
    withGroups,
    async () => await referenceLife?.runTrial(),
  );
  tell("aggregating after --incomplete");
  await measureIncomplete(lab, options.nTrials);
  tell("reading logs");
  const log = await measureCat(lab, copy);
  if (withMillion) await measureMillion(lab, copy, log);
  if (reference !== null) await measureReferenceCat(lab, reference, copy, log);
  await referenceLife?.finish();
  lab.remove(copy);
  lab.removeSource();
  lab.result.ratios = makeRatios(lab.result, options.nScanners);
  return lab.result;
}

function tell(result: SizeResult): void {
  const { nQuanta, nDatasets, nFiles, nFileBytes, floors } = result;
  console.log(
    `\n${nQuanta} quanta, ${nDatasets} datasets; ${nFiles} logs and metadata files of ` +
      `${(nFileBytes / 1e6).toFixed(1)} MB, median ${result.medianLogBytes} and ` +
      `${result.medianMetadataBytes} bytes\n`,
  );
  console.log(stepTable(result));
  console.log(`\n${stageLines(result)}`);
  if (floors !== null) {
    const list = Object.entries(floors).map(([name, value]) => `${name} ${value.toFixed(2)}`);
    console.log(`floors: ${list.join(", ")}`);
  }
  for (const note of result.notes) console.log(note);
  console.log(`\n${ratioTable(result.ratios)}`);
}

async function main(args: string[]): Promise<void> {
  const options = parseOptions(args);
  await using scratch = await temporaryDirectory();
  let reference: Reference | null = null;
  if (options.isWithReference) {
    if (Deno.env.get("ORACLE_ROOT") === undefined) {
      console.log("skipped: ORACLE_ROOT doesn't name an installed reference");
      return;
    }
    try {
      reference = await Reference.install(scratch.path);
    } catch (error) {
      if (!(error instanceof NoReferenceError)) throw error;
      console.log(`skipped: ${error.message}`);
      return;
    }
  }
  const startMs = performance.now();
  const results: Results = {
    date: new Date().toISOString().slice(0, 16),
    machine: machineNotes(scratch.path),
    loadBefore: load(),
    loadAfter: 0,
    nTrials: options.nTrials,
    nScanners: options.nScanners,
    isBinary: (Deno.env.get("PROVGRAPH_BINARY") ?? "") !== "",
    sizes: [],
  };
  const { machine } = results;
  console.log(
    `${machine.processor}, ${machine.nProcessors} processors, ` +
      `${(machine.memoryBytes / 1e9).toFixed(0)} GB, ${machine.fileSystem}, ${machine.system}, ` +
      `Deno ${machine.deno}, commit ${machine.commit}; load ${results.loadBefore}`,
  );
  for (const size of options.sizes) {
    const isLast = size === options.sizes.at(-1);
    const result = await measureSize(scratch.path, size, options, reference, isLast);
    results.sizes.push(result);
    tell(result);
  }
  results.loadAfter = load();
  const minutes = round((performance.now() - startMs) / 60000);
  console.log(`\nload ${results.loadAfter} at the end; all in ${minutes.toFixed(1)} minutes`);
  if (options.saveAs !== null) {
    const path = join(PROJECT, "testdata", "bench", `${options.saveAs}.json`);
    Deno.mkdirSync(join(PROJECT, "testdata", "bench"), { recursive: true });
    Deno.writeTextFileSync(path, `${JSON.stringify(results, null, 1)}\n`);
    console.log(`kept in testdata/bench/${options.saveAs}.json`);
  }
}

if (import.meta.main) await main(Deno.args);
