/**
 * All commands, as the help of the program lists them: what it takes to name one. Whatever defines a command
 * is loaded only when that command is asked for (`load_commands.ts`), for all of it together is two thirds of
 * what there is to load at a start.
 *
 * @module
 */

/** A command, as far as the list of all commands tells. */
export interface CommandEntry {
  name: string;
  /** Its arguments: `<source> <kind>`. */
  takes: string;
  /** Half a sentence for the list, which the command itself has from here. */
  summary: string;
  /** Which module defines it, from this folder, and what that exports for it. */
  module: string;
  made: string;
}

/** In the order in which help lists them. */
export const COMMANDS: readonly CommandEntry[] = [
  {
    name: "aggregate-graph",
    takes: "<predicted-graph> <repo>",
    summary: "scan what a run left behind, register it, and write the provenance graph",
    module: "./commands/aggregate_graph.ts",
    made: "aggregateGraphCommand",
  },
  {
    name: "ingest-graph",
    takes: "<repo> [provenance-graph]",
    summary: "put the provenance graph into the repository and let it back logs and metadata",
    module: "./commands/ingest_graph.ts",
    made: "ingestGraphCommand",
  },
  {
    name: "cat",
    takes: "<source> [what] [id...]",
    summary: "print a log, metadata, config or another document",
    module: "./commands/cat.ts",
    made: "catCommand",
  },
  {
    name: "info",
    takes: "<source>",
    summary: "say what something is",
    module: "./commands/info.ts",
    made: "infoCommand",
  },
  {
    name: "ls",
    takes: "<source> <kind>",
    summary: "list quanta, attempts or datasets that fit",
    module: "./commands/ls.ts",
    made: "lsCommand",
  },
  {
    name: "diff",
    takes: "<a> <b>",
    summary: "compare two graphs task by task",
    module: "./commands/diff.ts",
    made: "diffCommand",
  },
  {
    name: "trace",
    takes: "<source> <id...>",
    summary: "show what made a quantum or dataset, or what depends on it",
    module: "./commands/trace.ts",
    made: "traceCommand",
  },
  {
    name: "why",
    takes: "<source> <id...>",
    summary: "explain why a quantum failed or did not run, or why a dataset is not there",
    module: "./commands/why.ts",
    made: "whyCommand",
  },
  {
    name: "grep",
    takes: "<pattern> <source>",
    summary: "search the logs of all quanta",
    module: "./commands/grep.ts",
    made: "grepCommand",
  },
  {
    name: "check",
    takes: "<target>",
    summary: "find damage and unfinished work, and say how to mend it",
    module: "./commands/check.ts",
    made: "checkCommand",
  },
  {
    name: "check-downstream",
    takes: "<predicted-graph> <repo>",
    summary: "say whether ingest-graph would take files from another graph",
    module: "./commands/check_downstream.ts",
    made: "checkDownstreamCommand",
  },
  {
    name: "check-storage",
    takes: "<place>",
    summary: "find out whether a place for files can be used: S3, WebDAV, a directory",
    module: "./commands/site/check_storage.ts",
    made: "checkStorageCommand",
  },
  {
    name: "provenance-report",
    takes: "<repo-or-qg> [collection]",
    summary: "count quanta by status and exception, list failed data IDs",
    module: "./commands/provenance_report.ts",
    made: "provenanceReportCommand",
  },
  {
    name: "report",
    takes: "<source>",
    summary: "sum a run up, as a page to open or a text for a ticket",
    module: "./commands/report.ts",
    made: "reportCommand",
  },
  {
    name: "export",
    takes: "<sources...>",
    summary: "write tables that DuckDB, pandas and astropy read, or PROV-JSON",
    module: "./commands/export.ts",
    made: "exportCommand",
  },
  {
    name: "explore",
    takes: "[source...]",
    summary: "look at runs in a browser",
    module: "./commands/explore.ts",
    made: "exploreCommand",
  },
  {
    name: "scan",
    takes: "<predicted-graph> <repo>",
    summary: "scan one share of a run on one of many nodes, for aggregate-graph --chunks",
    module: "./commands/scan.ts",
    made: "scanCommand",
  },
  {
    name: "simulate",
    takes: "<dir>",
    summary: "make a repository, a predicted graph and the files of an executed run",
    module: "./commands/simulate.ts",
    made: "simulateCommand",
  },
  {
    name: "self-test",
    takes: "[dir]",
    summary: "find out whether everything works on this machine, in a temporary folder",
    module: "./commands/site/self_test.ts",
    made: "selfTestCommand",
  },
  {
    name: "completion",
    takes: "<shell>",
    summary: "print the completion script of a shell",
    module: "./commands/completion.ts",
    made: "completionCommand",
  },
  {
    name: "man",
    takes: "",
    summary: "print the manual page",
    module: "./commands/man.ts",
    made: "manCommand",
  },
];

/** Whether a word is the name of a command. */
export function isCommandName(word: string): boolean {
  return COMMANDS.some(({ name }) => name === word);
}
