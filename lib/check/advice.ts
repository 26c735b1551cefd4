/**
 * Every command that `check` advises. All are made here, so that a test can run each of them in the state
 * in which it is printed: none may be refused, lead in a circle, or remove content that is nowhere else.
 *
 * @module
 */

import { shellLine } from "../base/text/shell.ts";
import { TOOL_NAME } from "../base/version.ts";

/** Names of all advices. They are part of the scripting contract. */
export const ADVICES = [
  /** Aggregate the RUN, to its end or once more. */
  "aggregate",
  /** The same `aggregate-graph` goes on with the chunk log of this output. */
  "continue-aggregation",
  /** Write a damaged graph again that lies in no repository. */
  "write-again",
  /** Ingest the graph, which only the user knows. */
  "ingest",
  /** Ingest the graph that was given. */
  "ingest-given",
  /** Go on with the graph that is in the repository. */
  "finish-ingest",
  /** Ingest a registered graph once more, which lies outside the datastore. */
  "ingest-inside",
  "repair",
  "repair-file",
  /** Look at a graph as a file, which tells more. */
  "check-file",
  /** Put a copy in the place of what is damaged or gone. */
  "restore",
  /** Let the butler remove a dataset whose content is gone. */
  "prune",
  /** Move a file out of the repository that is nowhere else. */
  "set-aside",
  /** Give a whole temporary file the name that it was written for. */
  "keep-temporary",
  "remove-lock",
  /** Remove a chunk log; the graph beside it has been found to hold everything in it. */
  "remove-chunk-log",
] as const;

/** Name of an advice. */
export type AdviceName = typeof ADVICES[number];

/** An advice: what it is called, and its command line for a POSIX shell. */
export interface Advice {
  readonly name: AdviceName;
  /** Words in capitals stand for what only the user knows. */
  readonly command: string;
}

/** A command line of words, each quoted as a shell needs it. */
export function commandLine(...words: string[]): string {
  return shellLine(words);
}

function own(name: AdviceName, ...words: string[]): Advice {
  return { name, command: commandLine(TOOL_NAME, ...words) };
}

/** The options that leave classes of datastores out of chains. */
export function ignoringWords(classes: readonly string[]): string[] {
  return classes.flatMap((name) => ["--ignore-datastore", name]);
}

/** Advices on files, whatever repository they belong to. */
export const fileAdvice = {
  /** @param file As the user wrote it. */
  repair: (file: string): Advice => own("repair-file", "check", file, "--repair"),

  lookAt: (file: string): Advice => own("check-file", "check", file, "--read-data"),

  /** @param copy A copy that is known, or null. */
  restore: (file: string, copy: string | null = null): Advice => ({
    name: "restore",
    command: commandLine("cp", copy ?? "COPY_OF_THE_FILE", file),
  }),

  writeAgain: (file: string): Advice =>
    own("write-again", "aggregate-graph", "PREDICTED_GRAPH", "REPO", "--output", file),

  /**
   * @param output The graph that the chunk log becomes.
   * @param chunks The chunk log, if it has another place than beside the graph.
   * @param repository Null if it isn't known.
   */
  continueAggregation: (
    output: string,
    chunks: string | null,
    repository: string | null,
  ): Advice =>
    own(
      "continue-aggregation",
      "aggregate-graph",
      "PREDICTED_GRAPH",
      repository ?? "REPO",
      "--output",
      output,
      ...(chunks === null ? [] : ["--chunks", chunks]),
    ),

  setAside: (file: string): Advice => ({
    name: "set-aside",
    command: commandLine("mv", file, "DIRECTORY"),
  }),

  keepTemporary: (file: string, finalName: string): Advice => ({
    name: "keep-temporary",
    command: commandLine("mv", file, finalName),
  }),

  /** A lock holds no content. */
  removeLock: (lock: string): Advice => ({
    name: "remove-lock",
    command: commandLine("rm", lock),
  }),

  /** Only after its content has been found in the graph. */
  removeChunkLog: (chunks: string): Advice => ({
    name: "remove-chunk-log",
    command: commandLine("rm", chunks),
  }),
};

/** An advice that is a command of the shell: there is none for what is in a remote store. */
export function localAdvice(file: string | null, advice: () => Advice): Advice | null {
  return file !== null && /^(?:s3|davs?):/.test(file) ? null : advice();
}

/** Advices on one RUN of a repository. */
export class RunAdvice {
  readonly #repository: string;
  readonly #run: string;
  readonly #graph: string | null;
  readonly #ignored: readonly string[];

  /**
   * @param repository As the user wrote it, as all paths here.
   * @param graph The graph that was given, or null.
   * @param ignored Classes of datastores without whose mention the repository can't be opened.
   */
  constructor(
    repository: string,
    run: string,
    graph: string | null,
    ignored: readonly string[] = [],
  ) {
    this.#repository = repository;
    this.#run = run;
    this.#graph = graph;
    this.#ignored = ignored;
  }

  #own(name: AdviceName, ...words: string[]): Advice {
    return own(name, ...words, ...ignoringWords(this.#ignored));
  }

  aggregate(): Advice {
    return this.#own(
      "aggregate",
      "aggregate-graph",
      "PREDICTED_GRAPH",
      this.#repository,
      "--output",
      "GRAPH",
    );
  }

  continueAggregation(output: string, chunks: string | null): Advice {
    const { name, command } = fileAdvice.continueAggregation(output, chunks, this.#repository);
    return { name, command: [command, ...ignoringWords(this.#ignored)].join(" ") };
  }

  ingest(): Advice {
    return this.#own("ingest", "ingest-graph", this.#repository, "GRAPH");
  }

  /** A copy: whoever gave the graph to a check still wants to have it. */
  ingestGiven(graph: string): Advice {
    return this.#own("ingest-given", "ingest-graph", this.#repository, graph, "--transfer", "copy");
  }

  finishIngest(): Advice {
    return this.#own("finish-ingest", "ingest-graph", this.#repository, "--output-run", this.#run);
  }

  /** @param prune What removes the graph's dataset, which leaves a file outside the datastore. */
  ingestInside(prune: Advice, graph: string): Advice {
    const ingest = this.#own(
      "ingest-inside",
      "ingest-graph",
      this.#repository,
      graph,
      "--transfer",
      "copy",
    );
    return { name: ingest.name, command: `${prune.command} && ${ingest.command}` };
  }

  repair(): Advice {
    return this.#own(
      "repair",
      "check",
      this.#repository,
      "--run",
      this.#run,
      "--repair",
      ...(this.#graph === null ? [] : ["--graph", this.#graph]),
    );
  }

  /** @param where A condition on the data ID, or null. */
  prune(typeName: string | null, where: string | null): Advice {
    const words = ["butler", "prune-datasets", this.#repository, this.#run, "--purge", this.#run];
    if (typeName !== null) words.push("--datasets", typeName);
    if (where !== null) words.push("--where", where);
    return { name: "prune", command: commandLine(...words, "--no-confirm") };
  }
}
