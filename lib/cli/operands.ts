/**
 * Operands in the wrong order: GRAPH REPO and REPO GRAPH are both right, of different commands.
 *
 * @module
 */

import type { Command } from "commander";
import { UsageError } from "../base/errors.ts";
import { shellLine } from "../base/text/shell.ts";
import { TOOL_NAME } from "../base/version.ts";
import { localPath, uriScheme } from "../butler/config/local_path.ts";
import type { CliContext } from "./context.ts";

/** What is found where an operand points to. */
type Found = "graph" | "repository" | "nothing";

/**
 * Refuses a graph in the place of a repository.
 *
 * @param graph null if the command line has none
 * @param command as it was parsed
 * @throws {UsageError} with the command line that was meant, if they are the wrong way round, or if there
 *   is a graph alone.
 */
export function requireOrder(
  { graph, repository }: { graph: string | null; repository: string },
  command: Command,
  context: Pick<CliContext, "env" | "cwd">,
): void {
  if (find(repository, context) !== "graph") return;
  if (graph === null) {
    throw new UsageError(
      `Cannot open repository "${repository}": it is a quantum graph, and no repository is named`,
      { hint: `type: ${TOOL_NAME} ${command.name()} REPO ${shellLine([repository])}` },
    );
  }
  if (find(graph, context) === "graph") return;
  throw new UsageError(
    `Cannot use "${repository}" as repository: it is a quantum graph; graph and repository are the ` +
      "wrong way round",
    { hint: `type: ${swappedLine(command, [graph, repository])}` },
  );
}

/**
 * Refuses a collection in front of its repository.
 *
 * @throws {UsageError} with the command line that was meant.
 */
export function requireRepositoryFirst(
  repository: string,
  collection: string,
  command: Command,
  context: Pick<CliContext, "env" | "cwd">,
): void {
  if (find(repository, context) !== "nothing" || find(collection, context) === "nothing") return;
  throw new UsageError(
    `Cannot find repository "${repository}": the repository comes first, the collection behind it`,
    { hint: `type: ${swappedLine(command, [repository, collection])}` },
  );
}

/** The command line as it was typed, but with two operands in each other's place. */
function swappedLine(command: Command, pair: readonly [string, string]): string {
  // Commander has it, though its declarations don't.
  const { rawArgs = [] } = (command.parent ?? {}) as { rawArgs?: string[] };
  const words = [...rawArgs];
  const places = operandPlaces(words, command);
  const [a, b] = pair.map((operand) => places.find((place) => words[place] === operand));
  if (a !== undefined && b !== undefined) [words[a], words[b]] = [words[b], words[a]];
  return shellLine([TOOL_NAME, ...words]);
}

/** Where operands stand among the words behind the name of a command. */
function operandPlaces(words: readonly string[], command: Command): number[] {
  const places: number[] = [];
  const options = [...command.options, ...(command.parent?.options ?? [])];
  let isOperand = false;
  for (let i = words.indexOf(command.name()) + 1; i < words.length; i++) {
    const word = words[i];
    if (isOperand || !word.startsWith("-") || word === "-") places.push(i);
    else if (word === "--") isOperand = true;
    else {
      const option = options.find(({ long, short }) => word === long || word === short);
      if (option?.required) i++;
    }
  }
  return places;
}

function find(operand: string, { env, cwd }: Pick<CliContext, "env" | "cwd">): Found {
  const scheme = uriScheme(operand);
  if (scheme !== null && scheme !== "file") return "nothing";
  const path = localPath(operand, env, cwd, "operand");
  const isNamedGraph = /\.q(?:g|graph)$/i.test(path);
  try {
    const { isFile, isDirectory } = Deno.statSync(path);
    if (isDirectory || /\.(?:ya?ml|json)$/i.test(path)) return "repository";
    return isFile ? "graph" : "nothing";
  } catch {
    // Perhaps an alias, or a graph whose name was mistyped.
    return isNamedGraph ? "graph" : "nothing";
  }
}
