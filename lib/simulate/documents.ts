/**
 * Texts that tasks leave behind: metadata and logs of made-up executions.
 *
 * Source: `schema/run-files.md`.
 *
 * @module
 */

import { formatIsoTime } from "../base/iso_time.ts";
import type { SimulatedTask } from "./pipeline.ts";
import type { SeededRandom } from "./random.ts";
import { OUTPUT_RUN } from "./run.ts";

/** One try of a quantum. */
export interface Attempt {
  /** Microseconds since 1970 UTC. */
  startUs: number;
  runSeconds: number;
  /** Dataset IDs of the outputs that were written. */
  outputs: readonly string[];
  /** What was raised, null if nothing was. */
  error: TaskError | null;
  /** Whether it counts as a success, in spite of an error. */
  isSuccess: boolean;
  /** Quanta that ran earlier in the same process. */
  previousQuanta: readonly string[];
}

/** What a task raised. */
interface TaskError {
  typeName: string;
  message: string;
  /** JSON object, flat. */
  metadata: string;
}

/** A quantum, as its documents name it. */
export interface Subject {
  task: SimulatedTask;
  /** Data ID as Python prints it. */
  dataId: string;
  /** Number of the process. */
  process: number;
}

/** Success with an error and missing outputs: bits 1 and 64. */
const PARTIAL_CAVEATS = 65;
const PREP_US = 4_300;
const INIT_US = 950;
const ATTEMPT_ERRORS: readonly (readonly [string, string])[] = [
  ["lsst.pipe.base.AlgorithmError", "too few sources for a fit"],
  ["builtins.RuntimeError", "matrix is singular"],
  ["builtins.ValueError", "no finite pixels in background bin"],
  ["builtins.MemoryError", "unable to allocate 1.86 GiB for an array"],
];

/** Makes up an error. */
export function makeError(task: SimulatedTask, random: SeededRandom): TaskError {
  const [typeName, reason] = ATTEMPT_ERRORS[random.integer(ATTEMPT_ERRORS.length)];
  const step = task.steps[random.integer(task.steps.length)];
  const scatter = random.integer(4) === 0 ? "NaN" : decimal(random.uniform() * 3, 6);
  return {
    typeName,
    message: `Simulated failure in ${step}: ${reason} (${random.integer(900)} of 1000)`,
    metadata: `{"n_sources":${random.integer(40)},"scatter":${scatter},"step":"${step}",` +
      `"is_fatal":true}`,
  };
}

/** Times of an attempt, microseconds. */
function times(attempt: Attempt): { prep: number; init: number; start: number; end: number } {
  const init = attempt.startUs + PREP_US;
  const start = init + INIT_US;
  const end = start + Math.round(attempt.runSeconds * 1e6);
  return { prep: attempt.startUs, init, start, end };
}

/** The metadata document of an attempt: some 5 kB. */
export function metadataText(
  { task, process }: Subject,
  attempt: Attempt,
  random: SeededRandom,
): string {
  const steps = task.steps.map((step) => stepMetadata(task, step, random));
  const { error, isSuccess } = attempt;
  if (error !== null && isSuccess) {
    steps.push(
      `"failure":{"scalars":{"type":"${error.typeName}","message":"${error.message}"},"arrays":{},` +
        `"metadata":{"metadata":{"scalars":${error.metadata},"arrays":{},"metadata":{}}}}`,
    );
  }
  const caveats = error === null ? 0 : PARTIAL_CAVEATS;
  const at = times(attempt);
  const cpu = 3 + random.uniform();
  const memory = 250_871_808 + random.integer(2 ** 20) * 4096;
  const arrays = (Object.keys(at) as (keyof typeof at)[]).map((stage) => {
    const seconds = (at[stage] - at.prep) / 1e6;
    return `"${stage}Utc":["${utc(at[stage])}"],"${stage}CpuTime":[${
      decimal(cpu + seconds * 0.97, 9)
    }],"${stage}UserTime":[${decimal(cpu + seconds * 0.9, 6)}],"${stage}SystemTime":[${
      decimal(0.3 + seconds * 0.07, 6)
    }],"${stage}MaxResidentSetSize":[${memory}],"${stage}MinorPageFaults":[${
      57_732 + Math.round(seconds * 911)
    }],"${stage}MajorPageFaults":[84],"${stage}BlockInputs":[204920],"${stage}BlockOutputs":[${
      20_800 + 8 * Math.round(seconds)
    }],"${stage}VoluntaryContextSwitches":[${
      1_619 + Math.round(seconds * 3)
    }],"${stage}InvoluntaryContextSwitches":[${29 + Math.round(seconds * 0.6)}]`;
  });
  const outputs = attempt.outputs.map((id) => `"${id}"`).join(",");
  return `{"scalars":{},"arrays":{},"metadata":{"${task.label}":{"scalars":{` +
    `"n_inputs":${1 + random.integer(9)},"seeing":${decimal(0.6 + random.uniform(), 12)},` +
    `"worst":${random.integer(20) === 0 ? "NaN" : decimal(random.normal(), 14)}},"arrays":{},` +
    `"metadata":{${steps.join(",")}}},"quantum":{"scalars":{"__version__":1,` +
    `"nodeName":"node${String(process % 120).padStart(3, "0")}"` +
    `${isSuccess ? `,"caveats":${caveats}` : ""}},"arrays":{${arrays.join(",")},` +
    `"outputs":[${outputs}]},"metadata":{"butler_metrics":{"scalars":{` +
    `"time_in_put":${decimal(random.uniform(), 9)},"time_in_get":${decimal(random.uniform(), 9)},` +
    `"time_in_ingest":0.0,"n_get":${1 + random.integer(9)},"n_put":${attempt.outputs.length},` +
    `"n_ingest":0},"arrays":{},"metadata":{}}}}}}`;
}

function stepMetadata(task: SimulatedTask, step: string, random: SeededRandom): string {
  const values = Array.from(
    { length: 24 / task.steps.length },
    (_, i) =>
      `"${step}_residual_${i}":[${decimal(random.normal(), 16)},${decimal(random.normal(), 16)}]`,
  );
  return `"${task.label}:${step}":{"scalars":{"${step}_n_used":${random.integer(5000)},` +
    `"${step}_n_rejected":${random.integer(300)},"${step}_scale":${
      decimal(random.uniform() * 40, 13)
    },"${step}_converged":${random.integer(8) > 0}},"arrays":{${values.join(",")}},"metadata":{}}`;
}

/** Something that tasks write into logs: text with `#` for numbers, and where it comes from. */
interface Message {
  logger: string;
  level: "DEBUG" | "VERBOSE" | "INFO" | "WARNING";
  text: string;
  file: string;
  line: number;
  function: string;
}

const MESSAGES: readonly Message[] = [
  message("background", "INFO", "Binned image into #x# bins; median # ± # counts", 212, "run"),
  message("background", "VERBOSE", "Bin (#, #): # pixels used, # clipped, mean #", 260, "_fitBin"),
  message("detection", "INFO", "Detected # positive peaks in # footprints to # sigma", 604, "run"),
  message("detection", "DEBUG", "Merged footprint # with # and #: area # pixels", 688, "_merge"),
  message("detection", "WARNING", "Footprint # has # saturated pixels; flagged", 713, "_merge"),
  message("psf", "INFO", "Using # of # candidates; fwhm # ± # pixels", 148, "selectStars"),
  message("psf", "VERBOSE", "Candidate # rejected: chi2/dof # > # at (#, #)", 171, "selectStars"),
  message("astrometry", "INFO", "Matched # sources: scatter # ± # arcsec", 417, "solve"),
  message("astrometry", "VERBOSE", "Iteration #: # matches, offset (#, #) arcsec", 433, "solve"),
  message("photometry", "INFO", "Zero point # ± # mag from # stars, # rejected", 322, "calibrate"),
  message("photometry", "DEBUG", "Star #: flux # counts, residual # mag, weight #", 340, "fit"),
  message(
    "interpolate",
    "INFO",
    "Interpolated # pixels in # columns; mean correction #",
    95,
    "run",
  ),
  message("warp", "VERBOSE", "Warped # of # pixels with kernel size # in # s", 129, "warpOne"),
  message("stack", "INFO", "Stacked # images; weights # to #; # pixels empty", 507, "run"),
];

function message(
  step: string,
  level: Message["level"],
  text: string,
  line: number,
  functionName: string,
): Message {
  const file = `${step}.py`;
  return { logger: step, level, text, file, line, function: functionName };
}

const LEVEL_NUMBERS = { DEBUG: 10, VERBOSE: 15, INFO: 20, WARNING: 30, ERROR: 40 } as const;
const EXECUTOR = "lsst.pipe.base.single_quantum_executor";
const SOURCES = "/opt/simulated/lib/python3.13/site-packages/lsst";

/** Makes logs. It keeps the text of the last second, which many records share. */
export class LogMaker {
  #second = NaN;
  #secondText = "";

  /**
   * The log file of a quantum in the encoding of batch execution.
   *
   * @param attempts oldest first; the last is the one whose records stand at top level.
   * @param metadata text of the metadata of each attempt.
   * @param size bytes that the records shall have, more or less.
   */
  logText(
    subject: Subject,
    attempts: readonly Attempt[],
    metadata: readonly string[],
    size: number,
    random: SeededRandom,
  ): string {
    const last = attempts.length - 1;
    const previous = attempts.slice(0, last).map((attempt, i) => {
      const logs = this.#records(subject, attempt, size / 2, random, true);
      return `{"exception":${exceptionText(attempt)},"metadata":${metadata[i]},` +
        `"previous_process_quanta":${quantaText(attempt)},"logs":[${logs}],"previous_attempts":[]}`;
    });
    const attempt = attempts[last];
    const hasFailed = !attempt.isSuccess;
    return '{"extended":true,"version":2,"records":[' +
      this.#records(subject, attempt, size, random, false) +
      `],"exception":${hasFailed ? exceptionText(attempt) : "null"},` +
      `"metadata":${hasFailed ? metadata[last] : "null"},` +
      `"previous_process_quanta":${quantaText(attempt)},"logs":[],` +
      `"previous_attempts":[${previous.join(",")}]}`;
  }

  /** Records, joined by commas. */
  #records(
    { task, dataId, process }: Subject,
    attempt: Attempt,
    size: number,
    random: SeededRandom,
    isFull: boolean,
  ): string {
    const { init, start, end } = times(attempt);
    const tail = `"process":${process},"processName":"MainProcess",${
      isFull ? '"exc_info":null,' : ""
    }"MDC":{"LABEL":"${task.label}:${dataId}","RUN":"${OUTPUT_RUN}"}}`;
    const executor = (time: number, text: string, line: number, level: "INFO" | "ERROR" = "INFO") =>
      this.#record(
        time,
        EXECUTOR,
        level,
        text,
        "pipe/base/single_quantum_executor.py",
        line,
        "execute",
      ) +
      tail;
    let text = executor(
      attempt.startUs,
      `Preparing execution of quantum for label=${task.label} dataId=${dataId}.`,
      238,
    ) + "," + executor(
      init,
      `Constructing task and executing quantum for label=${task.label} dataId=${dataId}.`,
      302,
    );
    const step = (end - start) / Math.max(2, size / (350 + tail.length));
    let time = start;
    while (text.length < size - 400 - tail.length) {
      time = Math.min(end, time + Math.round(step * (0.5 + random.uniform())));
      const { logger, level, text: pattern, file, line, function: name } =
        MESSAGES[random.integer(MESSAGES.length)];
      text += "," + this.#record(
        time,
        `lsst.${task.label}.${logger}`,
        level,
        fill(pattern, random),
        `simulated/${file}`,
        line,
        name,
      ) + tail;
    }
    if (attempt.error === null) {
      const seconds = ((end - start) / 1e6).toFixed(3);
      const what = `Execution of task '${task.label}' on quantum ${dataId} took ${seconds} seconds`;
      return text + "," + executor(end, what, 345);
    }
    const { typeName, message } = attempt.error;
    return text + "," + executor(
      end,
      `Execution of task '${task.label}' on quantum ${dataId} failed. Exception ${typeName}: ${message}`,
      318,
      "ERROR",
    );
  }

  /** A record up to its `process`. */
  #record(
    timeUs: number,
    logger: string,
    level: keyof typeof LEVEL_NUMBERS,
    text: string,
    file: string,
    line: number,
    functionName: string,
  ): string {
    return `{"name":"${logger}","asctime":"${this.#time(timeUs)}","message":"${text}",` +
      `"levelno":${LEVEL_NUMBERS[level]},"levelname":"${level}",` +
      `"filename":"${file.slice(file.lastIndexOf("/") + 1)}","pathname":"${SOURCES}/${file}",` +
      `"lineno":${line},"funcName":"${functionName}",`;
  }

  #time(timeUs: number): string {
    const second = Math.floor(timeUs / 1e6);
    if (second !== this.#second) {
      this.#second = second;
      this.#secondText = formatIsoTime(second * 1e6).slice(0, -1);
    }
    return `${this.#secondText}.${String(timeUs - second * 1e6).padStart(6, "0")}Z`;
  }
}

/** Puts numbers into a text: integers and decimals in turn. */
function fill(pattern: string, random: SeededRandom): string {
  let isInteger = false;
  return pattern.replace(/#/g, () => {
    isInteger = !isInteger;
    return isInteger ? String(random.integer(4000)) : (random.uniform() * 50).toFixed(4);
  });
}

function exceptionText({ error }: Attempt): string {
  if (error === null) return "null";
  const { typeName, message, metadata } = error;
  return `{"type_name":"${typeName}","message":"${message}","metadata":${metadata}}`;
}

function quantaText({ previousQuanta }: Attempt): string {
  return `[${previousQuanta.map((id) => `"${id}"`).join(",")}]`;
}

function utc(timeUs: number): string {
  const second = Math.floor(timeUs / 1e6);
  const fraction = String(timeUs - second * 1e6).padStart(6, "0");
  return `${formatIsoTime(second * 1e6).slice(0, -1)}.${fraction}+00:00`;
}

function decimal(value: number, nDigits: number): string {
  return value.toFixed(nDigits);
}
