/**
 * `--options-file`: options and arguments of a command in a YAML file, below the name of the command. What the
 * command line says itself counts more.
 *
 * Source: the butler's option of the same name, by experiment: names are those of options without their
 * dashes, or of arguments; an unknown name, a file without the command and a missing file are refused.
 *
 * @module
 */

import { type Command, Option } from "commander";
import { NotFoundError, UsageError } from "../base/errors.ts";
import { readLimitedText } from "../storage/regular_file.ts";
import { fileError } from "../storage/file_errors.ts";
import { filePath } from "./args.ts";
import type { CliContext } from "./context.ts";
import { nearestHint } from "../base/text/nearest.ts";

const SHORT = "-@";
/** A larger file, in bytes, is a mistake. */
const MAX_SIZE = 1024 * 1024;
const LONG = "--options-file";

/** The option itself, for every command. */
export function optionsFileOption(): Option {
  return new Option(`${SHORT}, ${LONG} <yaml>`, "file with options below the command's name")
    .default(undefined);
}

/**
 * The command line with what its options file says put behind the name of the command.
 *
 * @param makeProgram Makes a program to be parsed for this only.
 * @throws {UsageError} if the file can't be what it should be.
 * @throws {CommanderError} if the command line can't be parsed; told as always.
 */
export async function expandOptionsFile(
  args: readonly string[],
  makeProgram: () => Command,
  context: Pick<CliContext, "env" | "cwd">,
): Promise<readonly string[]> {
  if (!args.some((arg) => arg.startsWith(SHORT) || arg.startsWith(LONG))) return args;
  const program = makeProgram();
  const { operands: [name], unknown } = program.parseOptions([...args]);
  const command = program.commands.find((each) => each.name() === name);
  if (command === undefined) return args;
  const { operands } = command.parseOptions(unknown);
  const file: unknown = command.getOptionValue("optionsFile");
  if (typeof file !== "string") return args;
  const section = await readSection(file, command.name(), context);
  const flags: string[] = [];
  const values = new Map<string, string>();
  for (const [key, value] of Object.entries(section)) {
    const place = `"${key}" of options file "${file}"`;
    const argument = command.registeredArguments.find((each) =>
      dashed(each.name()) === dashed(key)
    );
    if (argument !== undefined) {
      values.set(argument.name(), textOf(value, place));
      continue;
    }
    const option = command.options.find(({ long, short }) =>
      long === `--${dashed(key)}` || short === `-${key}`
    );
    if (option === undefined) {
      throw new UsageError(`Cannot use ${place}: it is no option of ${name}`, {
        hint: nearestHint(
          dashed(key),
          command.options.map(({ long }) => (long ?? "").replace(/^--/, "")),
          `provgraph help ${name} lists them; write them without dashes in front`,
        ),
      });
    }
    if (command.getOptionValueSource(option.attributeName()) === "cli") continue;
    flags.push(...flagsOf(command, option, value, place));
  }
  // Arguments fill the places that the command line leaves, from the left.
  const rest: string[] = [];
  for (const argument of command.registeredArguments.slice(operands.length)) {
    const value = values.get(argument.name());
    if (value === undefined) break;
    rest.push(value);
  }
  const before = args.slice(0, args.length - unknown.length);
  return [...before, ...flags, ...unknown, ...rest];
}

async function readSection(
  file: string,
  name: string,
  { env, cwd }: Pick<CliContext, "env" | "cwd">,
): Promise<Record<string, unknown>> {
  const path = filePath(file, env, cwd, "options file");
  let text: string;
  try {
    text = readLimitedText(
      path,
      MAX_SIZE,
      (state) => new UsageError(`Cannot use options file "${file}": ${state}`),
    );
  } catch (error) {
    if (error instanceof UsageError) throw error;
    const read = fileError("read options file", path, error);
    throw read instanceof NotFoundError ? new UsageError(read.message) : read;
  }
  const { parse } = await import(
    import.meta.resolve("../base/text/yaml.ts")
  ) as typeof import("../base/text/yaml.ts");
  let document: unknown;
  try {
    document = parse(text);
  } catch (error) {
    throw new UsageError(
      `Cannot use options file "${file}": ${
        error instanceof Error ? error.message.trimEnd() : error
      }`,
      { cause: error },
    );
  }
  const section: unknown = isMapping(document) ? document[name] : undefined;
  if (isMapping(section)) return section;
  throw new UsageError(`Cannot use options file "${file}": it has no options below "${name}:"`, {
    hint: `put them there, one a line: "${name}:", then "  dry-run: true"`,
  });
}

/** Words that give an option its value. */
function flagsOf(command: Command, option: Option, value: unknown, place: string): string[] {
  if (value === null) return [];
  if (option.required || option.optional) {
    const values: unknown[] = Array.isArray(value) ? value : [value];
    return values.map((each) => `${option.long}=${textOf(each, place)}`);
  }
  if (typeof value !== "boolean") {
    throw new UsageError(`Cannot use ${place}: it must be true or false`);
  }
  if (value) return [option.long!];
  const off = command.options.find(({ long }) => long === `--no-${option.name()}`);
  return off === undefined ? [] : [off.long!];
}

function textOf(value: unknown, place: string): string {
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") {
    return String(value);
  }
  throw new UsageError(`Cannot use ${place}: it must be a text or a number`);
}

function dashed(name: string): string {
  return name.replaceAll("_", "-");
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
