/**
 * Texts of the help that are longer than a line.
 *
 * @module
 */

const EXIT_CODES = `
Exit codes:
  0      done; failed quanta are data, not errors
  1      failed; trying again may help
  2      usage, configuration or refused; trying again will not help; nothing was changed
  3      finished, with something unreadable or missing listed
  128+N  ended by signal N`;

const ENVIRONMENT = `
Environment:
  DAF_BUTLER_REPOSITORY_INDEX  file that says which repositories aliases stand for
  DAF_BUTLER_REPOSITORIES      the same as text
  DAF_BUTLER_CONFIG_PATH       directories with configuration that counts more than the defaults
  LSST_DB_AUTH                 file with user names and passwords of databases
  LSST_DB_AUTH_CREDENTIALS     the same as text
  PGHOST, PGUSER, PGPASSFILE   and others of PostgreSQL's, see schema/postgres.md
  NO_COLOR                     no colour, if it is set and not empty
  PAGER, LESS                  what shows long output; an empty PAGER or cat: nothing
  all others (S3, WebDAV, ...) are listed in schema/environment.md`;

/** Behind the help of the program. */
export const PROGRAM_EPILOGUE = `${EXIT_CODES}
${ENVIRONMENT}

Examples:
  provgraph aggregate-graph predicted.qg /repo/main -o provenance.qg
  provgraph ingest-graph /repo/main provenance.qg
  provgraph help aggregate-graph`;

/** Commands that say themselves what their exit codes mean. */
const OWN_EXIT_CODES: ReadonlySet<string> = new Set([
  "cat",
  "check",
  "grep",
  "check-downstream",
  "diff",
]);
/** Commands that have nothing to do with repositories. */
const WITHOUT_ENVIRONMENT: ReadonlySet<string> = new Set(["completion", "man", "simulate"]);

/** What the help of every command ends with. */
export function commonEpilogue(command: string): string {
  return [
    ...(OWN_EXIT_CODES.has(command) ? [] : [EXIT_CODES]),
    ...(WITHOUT_ENVIRONMENT.has(command) ? [] : [ENVIRONMENT]),
  ].join("\n");
}

/** Behind the help of `completion`. */
export const COMPLETION_EPILOGUE = `
For statuses, fields, task labels, dataset types, RUNs, IDs and data IDs the script asks provgraph,
which looks into the SOURCE on the line; of servers nothing is asked.

Examples:
  source <(provgraph completion bash)
  source <(provgraph completion zsh)
  provgraph completion fish | source`;

/** Behind the help of `man`. */
export const MAN_EPILOGUE = `
Examples:
  provgraph man | man -l -
  provgraph man > /usr/local/share/man/man1/provgraph.1`;

/** Behind the help of `aggregate-graph`. */
export const AGGREGATE_EPILOGUE = `
What already holds: the registry is asked first which datasets the RUN has, so a repeated command
registers only what is missing (what the reference calls defensive ingest). Work is kept in
OUTPUT.chunks until the graph is complete; an interrupted command is continued by running it again.

Examples:
  provgraph aggregate-graph predicted.qg /repo/main -o provenance.qg
  provgraph aggregate-graph predicted.qg main -o provenance.qg --incomplete
  provgraph --long-log --log-level=VERBOSE aggregate-graph run.qg main -j 16 --output run-prov.qg
  provgraph aggregate-graph predicted.qg main -o provenance.qg --chunks 'shards/*.chunks'`;

/** Behind the help of `scan`. */
export const SCAN_EPILOGUE = `
Run it once for each of N shares, on as many nodes, with chunk logs in one directory that all of them
see; then aggregate-graph once, which takes over what they found and scans what is missing. A share
may be scanned again at any time, also twice at once. Scripts for batch systems: schema/batch.md.

Examples:
  provgraph scan predicted.qg main --shard 0/2 --chunks shards/0.chunks
  provgraph scan predicted.qg main --shard 1/2 --chunks shards/1.chunks
  provgraph aggregate-graph predicted.qg main -o provenance.qg --chunks 'shards/*.chunks'`;

/** Behind the help of `ingest-graph`. */
export const INGEST_EPILOGUE = `
An interrupted command is continued by running it again, or, without the graph file, with
--output-run RUN alone. Every byte of the graph is checked each time before originals are deleted.
One process at a time works on a RUN; another one is refused with exit code 1, and says who it is.

Examples:
  provgraph ingest-graph /repo/main provenance.qg
  provgraph ingest-graph main provenance.qg --transfer copy
  provgraph ingest-graph main --output-run u/me/run/20260701T000000Z
  provgraph ingest-graph main provenance.qg --undo --output-run u/me/run/20260701T000000Z`;

/** Behind the help of `cat`. */
export const CAT_EPILOGUE = `
SOURCE is a quantum graph file, a chunk log (OUTPUT.chunks) or a butler repository. ID is the UUID of
a quantum or dataset, a prefix of it that is unique, or a task label followed by DIMENSION=VALUE...
that single out one quantum. For config the ID is a task label or the config's dataset ID; packages
and header need none. With --batch, requests come from stdin, one a line: WHAT [ID...]. As text,
control characters are made visible; --raw and --json leave them as they are.

Exit codes: 0 printed; 2 not found, ambiguous, refused; 3 some requests of --batch had no document;
1 could not be read.

Examples:
  provgraph cat provenance.qg log 019c37f4
  provgraph cat provenance.qg metadata calibrate visit=101 detector=2 --format json
  provgraph cat provenance.qg log calibrate visit=101 detector=2 --level WARN --tail 20
  provgraph cat /repo/main --run u/me/run/20260701T000000Z log calibrate visit=101 detector=2
  provgraph ls provenance.qg quanta --status FAILED --fields quantum_id | sed 's/^/log /' | \\
    provgraph cat provenance.qg --batch --json`;

/** Behind the help of `simulate`. */
export const SIMULATE_EPILOGUE = `
DIR gets repo (a butler repository with an SQLite registry) and predicted.qg, and repo the files that
an executed run leaves. With V visits and D detectors there are 2VD + V quanta, and some for coadds.
The same options make the same IDs and contents.

Examples:
  provgraph simulate demo
  provgraph simulate big --visits 260 --detectors 189 --log-size 30000
  provgraph aggregate-graph demo/predicted.qg demo/repo -o demo/provenance.qg`;

/** Behind the help of `provenance-report`. */
export const PROVENANCE_REPORT_EPILOGUE = `
Listed in the status report and the data ID tables are quanta whose last attempt is ABORTED,
ABORTED_SUCCESS or FAILED, unless --state, --no-state and --caveat say otherwise. The data ID tables
can be given to the builder of quantum graphs (--data-id-tables).

Examples:
  provgraph provenance-report provenance.qg
  provgraph provenance-report /repo/main u/me/run --status-report failed.json
  provgraph provenance-report provenance.qg --no-quantum-table --data-id-table-dir failed
  provgraph provenance-report provenance.qg --resource-usage - > usage.csv`;

/** Behind the help of `ls`. */
export const LS_EPILOGUE = `
SOURCE is a quantum graph (path or http(s) URL), a chunk log (OUTPUT.chunks) or a butler repository:
datasets of a RUN are listed from its registry, quanta once its provenance graph is ingested.

EXPRESSION compares dimensions and fields with literals: =, !=, <, <=, >, >=, in (1, 5..10, 20..30:2),
like '%text_' (% any text, _ a letter), joined by and, or, not and parentheses. Strings are quoted.
--exception takes a full name or its last part; status and exception are those of the last attempt, and
of each with attempts.

Rows come by task, in the order of the pipeline, or dataset type, then by data ID; more than 200,000
without --sort or --limit as they are stored. --sort none lists at once what is found.

Fields of quanta: quantum_id, task, status, data_id, attempts, caveats, exception, message, memory,
start, prep_time, init_time, run_time, run_time_cpu, n_inputs, n_outputs. Of attempts: the same but
the numbers of attempts, inputs and outputs, with attempt (from 0) and is_last. Of datasets:
dataset_id, dataset_type, data_id, run, produced, producer, n_consumers, path. With --fields, values
are separated by tabs.

Examples:
  provgraph ls provenance.qg quanta --status FAILED
  provgraph ls provenance.qg quanta --task calibrate --where 'visit=1228 and detector in (1,2)'
  provgraph ls provenance.qg quanta --sort=-memory --limit 10 --fields quantum_id,memory
  provgraph ls provenance.qg attempts --where "message like '%allocate%'" --count
  provgraph ls /repo/main datasets --run u/me/run/20260701T000000Z --type calibrate_log --json`;

/** Behind the help of `check-downstream`. */
export const CHECK_DOWNSTREAM_EPILOGUE = `
Quanta are executed with what their predicted graph recorded when it was built: inputs that were files
then are read from these files. ingest-graph deletes those of metadata, logs and configs, and such a
quantum fails with FileNotFoundError. Graphs that are built after ingest-graph read from the
provenance graph. A quantum counts as done when aggregate-graph has registered its metadata.

Exit codes: 0 safe; 3 not safe; 2 no such graph, repository or RUN; 1 could not be read.

Examples:
  provgraph check-downstream step2.qg /repo/main --run u/me/step1/20260701T000000Z
  provgraph check-downstream step2.qg main --run u/me/step1/20260701T000000Z && \\
    provgraph ingest-graph main step1-provenance.qg`;

/** Behind the help of `trace`. */
export const TRACE_EPILOGUE = `
In a provenance graph (path, http(s) URL, or ingested in a repository) each step reads one block; in a
predicted graph one pass over all quanta comes first, in a chunk log one over all heads. ID is as for
cat; a label is that of a task or, if there is no such task, a dataset type. In a tree, what was shown
before is not unfolded again; in DOT and Mermaid data flows along the arrows.

Examples:
  provgraph trace provenance.qg deep_coadd tract=9813 patch=40 band=i --depth 4
  provgraph trace provenance.qg raw exposure=1228 detector=2 --down
  provgraph trace provenance.qg 019c37f4 --down --json
  provgraph trace provenance.qg calibrate visit=101 detector=2 --format dot | dot -Tsvg > trace.svg`;

/** Behind the help of `why`. */
export const WHY_EPILOGUE = `
ID is as for cat; a label is that of a task or, if there is no such task, a dataset type. Of a quantum
that was not run, the failed quanta that it depends on are named, the nearest first. A quantum that
left neither metadata nor an exception was killed, or never started: the time of its last log record
and its process tell where to look. --limit bounds how far is looked above and below.

Examples:
  provgraph why provenance.qg 019c37f4
  provgraph why provenance.qg calibrate visit=101 detector=2
  provgraph why provenance.qg deep_coadd tract=9813 patch=40 band=i --json
  provgraph why /repo/main --run u/me/run/20260701T000000Z calibrate visit=101 detector=2`;

/** Behind the help of `grep`. */
export const GREP_EPILOGUE = `
PATTERN is matched with each record as cat prints it: level, time, logger, file, line, message. Of a
repository's RUN, the logs of its provenance graph are searched; before ingest-graph those that are
registered, which can't be selected by task, status or data ID then. Logs come in the order in which
they are stored, those of --count as well.

Exit codes: 0 searched, whether something was found or not; 3 some logs could not be read; 2 refused;
1 could not be read.

Examples:
  provgraph grep 'Cannot allocate|MemoryError' provenance.qg
  provgraph grep -F 'flux <= 0' provenance.qg --task calibrate --where 'visit in (100..120)'
  provgraph grep . provenance.qg --level ERROR --status SUCCESSFUL --count
  provgraph grep --json timeout /repo/main --run u/me/run/20260701T000000Z | jq -r .quantum_id`;

/** Behind the help of `check-storage`. */
export const CHECK_STORAGE_EPILOGUE = `
Nothing that is there is touched: the file that is written has a random name and must be new, and it is
deleted again, also after Ctrl-C. Where it can't be deleted its name is told. Of a repository the roots
of its datastores are checked. schema/storage.md tells how endpoints and credentials are found.

Exit codes: 0 nothing to mend; 3 something to mend is listed; 2 PLACE is no place; 1 the configuration
of the repository could not be read.

Examples:
  provgraph check-storage s3://profile@bucket/repo
  provgraph check-storage davs://host:2880/pnfs/site/butler --no-write
  provgraph check-storage /repo/main --json | jq -r 'select(.state == "mend").hint'`;

/** Behind the help of `self-test`. */
export const SELF_TEST_EPILOGUE = `
It takes a few seconds and some 2 MB. Exit code 0: everything works here. With DIR it tells whether a
shared file system does what is needed: locks, hard links, renames, an SQLite database.

Examples:
  provgraph self-test
  provgraph self-test /scratch/me`;

/** Behind the help of `report`. */
export const REPORT_EPILOGUE = `
The page needs no network and no other file: it can be mailed, or attached to a ticket. What is left
out of it, it says. Several forms may be asked for at once; one of them may go to stdout.

Examples:
  provgraph report provenance.qg
  provgraph report provenance.qg --html report.html --markdown report.md
  provgraph report provenance.qg --html report.html --baseline last_week.qg
  provgraph report /repo/main --run u/me/run/20260701T000000Z --json | jq .by_status
  provgraph report provenance.qg --json | jq -r .bps_memory
  provgraph report provenance.qg.chunks`;

/** Behind the help of `export`. */
export const EXPORT_EPILOGUE = `
Columns, and queries for DuckDB, pandas and astropy, are in schema/export.md. The end of a file's name
(.parquet, .csv, .ecsv, .ndjson, .jsonl; .json for PROV-JSON) is its format; any other name is that
of a directory.

Examples:
  provgraph export provenance.qg tables
  provgraph export provenance.qg quanta.parquet
  provgraph export monday.qg tuesday.qg failures.csv --table attempts
  provgraph export /repo/main datasets.parquet --table datasets --run u/me/run/20260701T000000Z
  provgraph export provenance.qg coadd tract=1 patch=3 band=r prov.json --format prov-json --depth 4`;

/** Behind the help of `explore`. */
export const EXPLORE_EPILOGUE = `
The link has a random token: who doesn't have it gets nothing, and nothing but the page and these
sources is served. The page reads only the parts of a graph that are looked at; a chunk log it follows.
Of a machine elsewhere, forward the port of the link: ssh -L PORT:127.0.0.1:PORT HOST.

A page written with --page needs no server of its own, but one that answers range requests: see
schema/explore.md.

Examples:
  provgraph explore provenance.qg
  provgraph explore provenance.qg.chunks --no-open
  provgraph explore before.qg after.qg
  provgraph explore /repo/main --run u/me/run/20260701T000000Z
  provgraph explore --page explore.html`;

/** Behind the help of `info`. */
export const INFO_EPILOGUE = `
User, time and command are those of whoever built the predicted graph. Counts are those of its header;
--count counts statuses in a pass over all quanta. Of a repository's RUN, all registered datasets are
looked at, and compared with the provenance graph that the RUN holds.

Ingest of a RUN is none, registered (metadata, logs and configs have files of their own), promised (or
forgotten for an ingest that went no further: check tells more), half ingested, or ingested.

Examples:
  provgraph info provenance.qg
  provgraph info provenance.qg.chunks
  provgraph info /repo/main --run u/me/run/20260701T000000Z --json`;

/** Behind the help of `diff`. */
export const DIFF_EPILOGUE = `
Quanta are matched by task and data ID, so that two RUNs of the same data can be compared. Statuses,
exceptions, run times and memory are those of last attempts. Of a repository, the RUN must hold its
provenance graph. Predicted graphs have no statuses: only their quanta are compared.

Exit codes: 0 compared; with --exit-code: 0 the same, 3 different in quanta, statuses or exceptions;
2 no such source or RUN; 1 could not be read.

Examples:
  provgraph diff yesterday.qg today.qg
  provgraph diff main main --run-a u/me/run/20260701T000000Z --run-b u/me/run/20260702T000000Z
  provgraph diff --exit-code --json before.qg after.qg > changes.jsonl`;
