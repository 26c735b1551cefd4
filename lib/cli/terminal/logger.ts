/**
 * Log lines on stderr and in files, in the text forms and with the JSON fields of the butler's command
 * line: normal `{name} {levelname}: {message}`, long
 * `{levelname} {asctime} {name} ({MDC[LABEL]})({filename}:{lineno}) - {message}`, times UTC with
 * milliseconds.
 *
 * @module
 */

import { UsageError } from "../../base/errors.ts";
import { withoutSecrets } from "../../base/text/secrets.ts";
import { visibleJson, visibleText } from "../../base/text/visible_text.ts";
import { nearestHint } from "../../base/text/nearest.ts";
import { LEVEL_NUMBERS, type Log, type LogLevel } from "../../base/log.ts";

/** Level for every logger whose name is, or is below, `name`; the empty name is every logger. */
export interface LevelSetting {
  name: string;
  level: LogLevel;
}

/** Where log lines go and which. */
interface LoggerOptions {
  isLong: boolean;
  /** Whether lines go to stderr. */
  isOnTerminal: boolean;
  /** Files that records are appended to; JSON lines if the name ends in `.json`. */
  files: readonly string[];
  levels: readonly LevelSetting[];
  /** MDC of every record, keys in upper case. */
  labels: Readonly<Record<string, string>>;
}

/** One log record, with the fields of the reference. */
interface LogRecord {
  name: string;
  asctime: string;
  message: string;
  levelno: number;
  levelname: LogLevel;
  filename: string;
  pathname: string;
  lineno: number;
  funcName: string | null;
  process: number;
  processName: string;
  MDC: Readonly<Record<string, string>>;
}

/** What a logger needs of its surroundings. */
interface LoggerContext {
  writeError(text: string): void;
  /** Appends a line to a file. @throws {Error} if that isn't possible. */
  append(path: string, text: string): void;
  now(): Date;
  processId: number;
}

/** All loggers of a process. */
export class Logger {
  readonly #options: LoggerOptions;
  readonly #context: LoggerContext;
  readonly #broken = new Set<string>();

  constructor(options: LoggerOptions, context: LoggerContext) {
    this.#options = options;
    this.#context = context;
  }

  /**
   * A log of its own name.
   *
   * @param aliases Names that the reference's loggers for the same work have: `--log-level` settings
   *   made for them hold here too.
   */
  get(name: string, aliases: readonly string[] = []): Log {
    const threshold = LEVEL_NUMBERS[this.#level([name, ...aliases])];
    return {
      log: (level, text) => {
        if (LEVEL_NUMBERS[level] >= threshold) this.#write(name, level, text);
      },
    };
  }

  /** Whether records of a level are written by a logger, by default the one without a name. */
  isEnabled(level: LogLevel, names: readonly string[] = []): boolean {
    return LEVEL_NUMBERS[level] >= LEVEL_NUMBERS[this.#level(names)];
  }

  /** The setting for the longest name that fits; of equally long ones the last. */
  #level(names: readonly string[]): LogLevel {
    let best: LevelSetting = { name: "", level: "INFO" };
    for (const setting of this.#options.levels) {
      const fits = setting.name === "" ||
        names.some((name) => name === setting.name || name.startsWith(`${setting.name}.`));
      if (fits && setting.name.length >= best.name.length) best = setting;
    }
    return best.level;
  }

  #write(name: string, level: LogLevel, message: string): void {
    const { isLong, isOnTerminal, files } = this.#options;
    const record = this.#record(name, level, withoutSecrets(message));
    const text = () => `${isLong ? formatLong(record) : formatNormal(record)}\n`;
    if (isOnTerminal) this.#context.writeError(text());
    for (const path of files) {
      if (this.#broken.has(path)) continue;
      try {
        this.#context.append(
          path,
          path.endsWith(".json") ? `${visibleJson(JSON.stringify(record))}\n` : text(),
        );
      } catch (error) {
        // A log file must not end hours of work; it is said once.
        this.#broken.add(path);
        this.#context.writeError(
          `provgraph WARNING: Cannot write log file "${path}": ${
            error instanceof Error ? error.message : error
          }\n`,
        );
      }
    }
  }

  #record(name: string, level: LogLevel, message: string): LogRecord {
    const place = callerPlace(new Error().stack ?? "");
    return {
      name,
      asctime: this.#context.now().toISOString(),
      message,
      levelno: LEVEL_NUMBERS[level],
      levelname: level,
      ...place,
      process: this.#context.processId,
      processName: "MainProcess",
      MDC: this.#options.labels,
    };
  }
}

/** Normal text form. */
function formatNormal(record: LogRecord): string {
  return `${record.name} ${record.levelname}: ${indented(record.message)}`;
}

/** Long text form. */
function formatLong(record: LogRecord): string {
  const { levelname, name, filename, lineno, message } = record;
  const asctime = record.asctime.replace("Z", "+00:00");
  return `${levelname} ${asctime} ${name} (${record.MDC.LABEL ?? ""})(${filename}:${lineno}) - ${
    indented(message)
  }`;
}

/** Names from files can't make a line that looks like another record. */
function indented(text: string): string {
  return visibleText(text).replaceAll("\n", "\n  ");
}

/** Place that logged, from a stack: the first frame outside this module. */
function callerPlace(
  stack: string,
): Pick<LogRecord, "filename" | "pathname" | "lineno" | "funcName"> {
  for (const frame of stack.split("\n").slice(1)) {
    const match = /((?:[^\s()]*\/)?([^\s()/]+\.[jt]s)):(\d+):\d+\)?$/.exec(frame);
    if (match === null || /^logger\.[jt]s$/.test(match[2])) continue;
    return {
      filename: match[2],
      pathname: match[1].replace(/^file:\/\//, ""),
      lineno: Number(match[3]),
      funcName: /^\s*at (?:async )?(?:new )?(?:[\w$]+\.)*#?([\w$]+) \(/.exec(frame)?.[1] ?? null,
    };
  }
  return { filename: "provgraph", pathname: "provgraph", lineno: 0, funcName: null };
}

/**
 * Parses the value of `--log-level`: `LEVEL` or `NAME=LEVEL`, several separated by commas. The names
 * `.` (every logger) and `lsst` (the reference's default) stand for ours.
 *
 * @throws {UsageError} for an unknown level.
 */
export function parseLogLevels(text: string): LevelSetting[] {
  return text.split(",").filter((part) => part.trim() !== "").map((part) => {
    const at = part.lastIndexOf("=");
    const name = at < 0 ? "" : part.slice(0, at).trim();
    const level = part.slice(at + 1).trim().toUpperCase();
    if (!isLogLevel(level)) {
      throw new UsageError(
        `Cannot use --log-level "${part}": level "${part.slice(at + 1)}" is unknown`,
        { hint: levelsHint(level) },
      );
    }
    return { name: name === "." || name === "lsst" || name === "provgraph" ? "" : name, level };
  });
}

/**
 * Parses one level.
 *
 * @throws {UsageError} if it is unknown.
 */
export function parseLevel(text: string): LogLevel {
  const level = text.trim().toUpperCase();
  if (isLogLevel(level)) return level;
  throw new UsageError(`Cannot use level "${text}": it is unknown`, { hint: levelsHint(level) });
}

function levelsHint(level: string): string {
  const known = Object.keys(LEVEL_NUMBERS).reverse();
  return nearestHint(level, known, `levels are ${known.join(", ")}`);
}

function isLogLevel(text: string): text is LogLevel {
  return Object.hasOwn(LEVEL_NUMBERS, text);
}
