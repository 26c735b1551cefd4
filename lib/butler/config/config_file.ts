/**
 * Configuration files of a butler: YAML with `!include` and `includeConfigs`, or JSON.
 *
 * @module
 */

import type { CollectionTag, ScalarTag, YAMLMap, YAMLSeq } from "yaml";
import type { Environment } from "../../base/environment.ts";
import {
  EnvironmentError,
  NotFoundError,
  ProvgraphError,
  RepositoryError,
} from "../../base/errors.ts";
import { dirname, join } from "../../base/paths.ts";
import { parseDocument } from "../../base/text/yaml.ts";
import { systemErrorText } from "../../storage/file_errors.ts";
import { readLimitedText } from "../../storage/regular_file.ts";
import { isRemoteUri } from "../../storage/remote/storage_url.ts";
import {
  type ConfigMapping,
  type ConfigValue,
  getValue,
  isMapping,
  mergeConfig,
  setValue,
} from "./config_value.ts";
import { expandVariables, placeOf } from "./local_path.ts";
import { MissingText, NO_TEXTS, type RemoteTexts } from "./remote_texts.ts";

/** Larger files and deeper includes than this are mistakes; those of a survey have some 100 kB. */
const MAX_FILE_SIZE = 4 * 1024 * 1024;
const MAX_INCLUDE_DEPTH = 16;
/** What one file may make of itself by includes: files, bytes and milliseconds, all together. */
const MAX_FILES = 200;
const MAX_TOTAL_SIZE = 16 * 1024 * 1024;
const MAX_MS = 10_000;

/**
 * Reads a `.yaml` or `.json` file and everything it includes.
 *
 * @param path absolute path
 * @param cwd where `includeConfigs` looks before the file's own directory
 * @param texts Files of remote stores, which can't be read here.
 * @throws {NotFoundError} if the file, or one that it includes, doesn't exist.
 * @throws {RepositoryError} if it isn't a mapping in YAML or JSON, or has another extension.
 * @throws {EnvironmentError} if it can't be read.
 */
export function readConfigFile(
  path: string,
  env: Environment,
  cwd: string,
  texts: RemoteTexts = NO_TEXTS,
): ConfigMapping {
  try {
    return readMapping(path, { env, cwd, texts, depth: 0, work: new Work(path) });
  } catch (error) {
    if (error instanceof ProvgraphError || error instanceof MissingText) throw error;
    // Such as a stack that is too small for how deep it is nested.
    throw new RepositoryError(`Cannot read configuration "${path}": ${reasonOf(error)}`);
  }
}

/** Parses YAML text (or JSON, which is YAML) that includes nothing; undefined if it can't be. */
export function parseYaml(text: string): ConfigValue | undefined {
  try {
    const document = parseDocument(text, YAML_OPTIONS);
    if (document.errors.length > 0 || document.warnings.length > 0) return undefined;
    return document.toJS() as ConfigValue;
  } catch {
    // Aliases without end or beginning, or nested too deeply. The parser's message would quote the text.
    return undefined;
  }
}

interface ReadContext {
  env: Environment;
  cwd: string;
  texts: RemoteTexts;
  depth: number;
  work: Work;
}

/** What reading one configuration has cost so far. */
class Work {
  readonly #path: string;
  readonly #endMs = performance.now() + MAX_MS;
  #nFiles = 0;
  #nLetters = 0;

  constructor(path: string) {
    this.#path = path;
  }

  /** @throws {RepositoryError} if one file more is too many. */
  begin(): void {
    if (++this.#nFiles > MAX_FILES) this.#refuse(`it includes more than ${MAX_FILES} files`);
    if (performance.now() > this.#endMs) this.#refuse(`it takes longer than ${MAX_MS / 1000} s`);
  }

  /** @throws {RepositoryError} if this text is too much. */
  add(text: string): void {
    this.#nLetters += text.length;
    if (this.#nLetters > MAX_TOTAL_SIZE) {
      this.#refuse(`it and what it includes have more than ${MAX_TOTAL_SIZE} bytes`);
    }
  }

  #refuse(state: string): never {
    throw new RepositoryError(`Cannot read configuration "${this.#path}": ${state}`, {
      hint: "look for files that include each other",
    });
  }
}

/**
 * What a library says is wrong, but nothing that it quotes: that may be a password. Source: messages of
 * package "yaml", which quote behind a colon, and directives with their percent sign.
 */
function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.replace(/(?::|%|\bcharacter\b).*$/s, "").trimEnd();
}

/**
 * YAML 1.1 as the reference's parser has it (`yes` is true); repeated keys: the last one wins. Pretty
 * errors quote the text, which may hold a password.
 */
const YAML_OPTIONS = {
  version: "1.1",
  uniqueKeys: false,
  logLevel: "silent",
  prettyErrors: false,
} as const;

function readMapping(path: string, context: ReadContext): ConfigMapping {
  if (!/\.(yaml|json)$/.test(path)) {
    throw new RepositoryError(
      `Cannot read configuration "${path}": its name ends neither in .yaml nor in .json`,
    );
  }
  const content = readYaml(path, context) ?? {};
  if (!isMapping(content)) {
    throw new RepositoryError(`Cannot read configuration "${path}": it is not a mapping`);
  }
  return resolveIncludes(content, path, context);
}

function readYaml(path: string, context: ReadContext): ConfigValue {
  if (context.depth > MAX_INCLUDE_DEPTH) {
    throw new RepositoryError(
      `Cannot read configuration "${path}": includes are nested too deeply`,
    );
  }
  context.work.begin();
  const text = readText(path, context.texts);
  context.work.add(text);
  if (path.endsWith(".json")) {
    try {
      return JSON.parse(text);
    } catch {
      // Without the cause, which quotes the text.
      throw new RepositoryError(`Cannot read configuration "${path}": it is not JSON`);
    }
  }
  // The parser turns what is thrown here into syntax errors; the first one is kept as it was.
  let failure: unknown;
  const include = (location: unknown): ConfigValue => {
    try {
      if (typeof location !== "string") {
        throw new RepositoryError(`Cannot read configuration "${path}": !include needs file names`);
      }
      const target = placeOf(location, context.env, dirname(path), "included file");
      return readYaml(target, { ...context, depth: context.depth + 1 });
    } catch (error) {
      failure ??= error;
      throw error;
    }
  };
  const document = parseDocument(text, { ...YAML_OPTIONS, customTags: includeTags(include) });
  if (failure !== undefined) throw failure;
  const problem = document.errors[0] ?? document.warnings[0];
  if (problem !== undefined) {
    const line = text.slice(0, problem.pos[0]).split("\n").length;
    throw new RepositoryError(
      `Cannot read configuration "${path}": ${reasonOf(problem)} at line ${line}`,
    );
  }
  try {
    return document.toJS() as ConfigValue;
  } catch (error) {
    throw new RepositoryError(`Cannot read configuration "${path}": ${reasonOf(error)}`);
  }
}

function readText(path: string, texts: RemoteTexts): string {
  if (isRemoteUri(path)) {
    const text = texts.read(path);
    if (text !== null) return text;
    throw new NotFoundError(`Cannot read configuration "${path}": there is no such file`);
  }
  const refuse = (state: string) =>
    new RepositoryError(`Cannot read configuration "${path}": ${state}`);
  try {
    return readLimitedText(path, MAX_FILE_SIZE, refuse);
  } catch (cause) {
    if (cause instanceof RepositoryError) throw cause;
    if (cause instanceof Deno.errors.NotFound || cause instanceof Deno.errors.NotADirectory) {
      throw new NotFoundError(`Cannot read configuration "${path}": there is no such file`, {
        cause,
      });
    }
    throw new EnvironmentError(`Cannot read configuration "${path}": ${systemErrorText(cause)}`, {
      cause,
    });
  }
}

/** The tag `!include` on a file name, a list of them, or a mapping to them. */
function includeTags(
  include: (location: unknown) => ConfigValue,
): (ScalarTag | CollectionTag)[] {
  return [
    { tag: "!include", resolve: (location: string) => include(location) },
    {
      tag: "!include",
      collection: "seq",
      resolve: (node) => (node as YAMLSeq).toJSON().map(include),
    },
    {
      tag: "!include",
      collection: "map",
      resolve: (node) =>
        Object.fromEntries(
          Object.entries((node as YAMLMap).toJSON()).map(([key, value]) => [key, include(value)]),
        ),
    },
  ];
}

/** Replaces `includeConfigs` keys by the content of the files; what stands beside them wins. */
function resolveIncludes(
  mapping: ConfigMapping,
  path: string,
  context: ReadContext,
): ConfigMapping {
  let result: ConfigMapping = {};
  const includes = getValue(mapping, "includeConfigs");
  for (const name of includes === undefined ? [] : [includes].flat()) {
    const file = findInclude(name, path, context);
    result = mergeConfig(result, readMapping(file, { ...context, depth: context.depth + 1 }));
  }
  const own: ConfigMapping = {};
  for (const [key, value] of Object.entries(mapping)) {
    if (key === "includeConfigs") continue;
    setValue(own, key, isMapping(value) ? resolveIncludes(value, path, context) : value);
  }
  return mergeConfig(result, own);
}

function findInclude(name: ConfigValue, path: string, context: ReadContext): string {
  if (typeof name !== "string") {
    throw new RepositoryError(
      `Cannot read configuration "${path}": includeConfigs needs file names`,
    );
  }
  const expanded = expandVariables(name, context.env);
  const candidates = [context.cwd, dirname(path)].map((directory) =>
    placeOf(expanded, context.env, directory, "included file")
  );
  const found = candidates.find((candidate) => fileExists(candidate, context.texts));
  if (found === undefined) {
    throw new NotFoundError(
      `Cannot read configuration "${path}": included file "${name}" is neither in ` +
        `"${context.cwd}" nor in "${dirname(path)}"`,
    );
  }
  return found;
}

/** Whether something of that name exists; unreadable directories count as not. */
export function fileExists(path: string, texts: RemoteTexts = NO_TEXTS): boolean {
  if (isRemoteUri(path)) return texts.read(path) !== null;
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}

/**
 * Reads the file of that name in every directory that has it, lowest priority first.
 *
 * @param directories absolute paths, highest priority first
 */
export function readFromDirectories(
  directories: readonly string[],
  name: string,
  env: Environment,
  cwd: string,
): ConfigMapping[] {
  return directories
    .map((directory) => join(directory, name))
    .filter((path) => fileExists(path))
    .map((path) => readConfigFile(path, env, cwd))
    .reverse();
}
