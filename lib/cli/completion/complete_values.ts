/**
 * Values that a command line may go on with, as far as only the program knows them: those of options, and IDs
 * of what is in a source.
 *
 * @module
 */

import type { Environment } from "../../base/environment.ts";
import { uriScheme } from "../../butler/config/local_path.ts";
import type { Registry } from "../../butler/registry/registry.ts";
import { AttemptStatus } from "../../provenance/quantum_status.ts";
import type { DocumentSource } from "../../sources/source.ts";
import type { CommandShape, OptionShape, ProgramShape } from "../manual/command_shape.ts";
import type { CliContext } from "../context.ts";
import { isHarmless, VALUE_KINDS, type ValueKind } from "../manual/value_kinds.ts";

/** A command line that was typed so far. */
interface Typed {
  command: CommandShape;
  /** Words that are no options, without the last one. */
  positional: string[];
  options: Map<string, string>;
  /** The kind of the word that is being typed; null if nobody but the shell knows it. */
  kind: ValueKind | null;
  /** What there is of it. */
  begun: string;
}

/** What opens a source, and a repository for its registry alone. */
interface Openers {
  openSource(
    argument: string,
    run: string | null,
    env: Environment,
    cwd: string,
  ): Promise<DocumentSource>;
  openRepository(argument: string, env: Environment): Promise<{ registry: Registry }>;
}

/**
 * Values for the last word of a command line.
 *
 * @param words What was typed behind the name of the program; the last one may be empty.
 * @param loadOpeners Loads them where they are needed.
 */
export async function completeValues(
  words: readonly string[],
  program: ProgramShape,
  context: CliContext,
  loadOpeners: () => Promise<Openers>,
): Promise<string[]> {
  const typed = readWords(words, program);
  if (typed === null || typed.kind === null) return [];
  // Of a list with commas the last item is begun.
  const isList = typed.kind !== "id" && typed.kind !== "run";
  const comma = isList ? typed.begun.lastIndexOf(",") + 1 : 0;
  const [head, begun] = [typed.begun.slice(0, comma), typed.begun.slice(comma)];
  const values = await valuesOf({ ...typed, begun }, typed.kind, context, loadOpeners);
  return values.filter((value) => value.startsWith(begun) && isHarmless(value))
    .map((value) => `${head}${value}`);
}

function readWords(words: readonly string[], program: ProgramShape): Typed | null {
  const at = words.findIndex((word) => program.commands.some(({ name }) => name === word));
  const command = program.commands.find(({ name }) => name === words[at]);
  if (command === undefined || at === words.length - 1) return null;
  const known = [...command.options, ...program.globalOptions];
  const positional: string[] = [];
  const options = new Map<string, string>();
  let open: OptionShape | null = null;
  for (const word of words.slice(at + 1, -1)) {
    if (open !== null) {
      options.set(open.long, word);
      open = null;
    } else if (word.startsWith("-") && word !== "-") {
      const [flag, value] = splitOption(word);
      const option = known.find(({ short, long }) => short === flag || long === flag);
      if (value !== null) options.set(option?.long ?? flag, value);
      else if (option !== undefined && option.value !== null) open = option;
    } else positional.push(word);
  }
  const last = words[words.length - 1];
  const [flag, value] = splitOption(last);
  const argument = command.arguments[positional.length] ?? command.arguments.at(-1);
  const [name, begun] = open !== null
    ? [open.long, last]
    : value !== null && last.startsWith("--")
    ? [flag, value]
    : [last.startsWith("-") ? "" : argument?.name ?? "", last];
  return {
    command,
    positional,
    options,
    kind: Object.hasOwn(VALUE_KINDS, name) ? VALUE_KINDS[name] : null,
    begun,
  };
}

function splitOption(word: string): [flag: string, value: string | null] {
  const at = word.indexOf("=");
  return at < 0 ? [word, null] : [word.slice(0, at), word.slice(at + 1)];
}

async function valuesOf(
  typed: Typed,
  kind: ValueKind,
  context: CliContext,
  loadOpeners: () => Promise<Openers>,
): Promise<string[]> {
  const { positional, options } = typed;
  if (kind === "status") return Object.keys(AttemptStatus);
  if (kind === "field") {
    const { DATASET_FIELDS, QUANTUM_FIELDS } = await import(
      import.meta.resolve("../../inspect/list/list_fields.ts")
    ) as typeof import("../../inspect/list/list_fields.ts");
    if (positional[1] === "attempts") {
      const { ATTEMPT_FIELDS } = await import(
        import.meta.resolve("../../inspect/list/list_attempts.ts")
      ) as typeof import("../../inspect/list/list_attempts.ts");
      return [...ATTEMPT_FIELDS];
    }
    return positional[1] === "datasets" ? [...DATASET_FIELDS] : [...QUANTUM_FIELDS];
  }
  // The second of two graphs only if that is asked for.
  const given = positional[options.has("--run-b") ? 1 : 0] ?? positional[0];
  // Nobody waits for a server here.
  if (given === undefined || /^https?$/.test(uriScheme(given) ?? "")) return [];
  const { openRepository, openSource } = await loadOpeners();
  const { dataIdTerms, datasetTypeNames, quantumIds, runNames } = await import(
    import.meta.resolve("./complete.ts")
  ) as typeof import("./complete.ts");
  if (kind === "run") {
    await using registry = (await openRepository(given, context.env)).registry;
    return await runNames(registry);
  }
  const run = options.get("--run") ?? options.get("--output-run") ?? null;
  await using source = await openSource(given, run, context.env, context.cwd);
  if (kind === "task") return await source.taskLabels();
  if (kind === "type") return await datasetTypeNames(source);
  // Words in front of the ID: the source, and with `cat` the kind of document.
  const [label, ...terms] = positional.slice(typed.command.name === "cat" ? 2 : 1);
  if (label !== undefined) return await dataIdTerms(source, label, terms, typed.begun);
  const names = await source.taskLabels();
  return /^[0-9a-f][0-9a-f-]*$/i.test(typed.begun)
    ? [...names, ...await quantumIds(source, typed.begun)]
    : names;
}
