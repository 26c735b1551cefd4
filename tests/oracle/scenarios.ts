/**
 * Fresh repositories on which both tools are compared. Seeds, sizes and mishaps are others than in
 * `testdata/fixtures`.
 *
 * @module
 */

/** One repository and what is done with it. */
export interface Scenario {
  /** Short name; chooses the scenario on the command line. */
  name: string;
  /** Options of `make_repo.py`; of `provgraph simulate`, if `isSimulated`. */
  make: readonly string[];
  /** Whether our own `simulate` makes repository, graph and files. */
  isSimulated?: boolean;
  /** Options of `site/site.py`, which then runs the reference: how the site differs from the oracle's. */
  site?: readonly string[];
  /** Options of `aggregate-graph` for both tools. */
  aggregate?: readonly string[];
  /** Options of `aggregate-graph` for ours only. */
  ours?: readonly string[];
  /** Options of `ingest-graph` for both tools. */
  ingest?: readonly string[];
  /** Whether the run is first aggregated incomplete, then finished. */
  isResumed?: boolean;
  /** Whether the same inputs are processed again into another RUN afterwards. */
  hasSecondRun?: boolean;
}

/** Repositories with older dimension universes, as they are until somebody migrates them. */
const UNIVERSES: readonly Scenario[] = [0, 1, 3, 5, 7].map((version) => ({
  name: `universe-${version}`,
  make: [
    ...["--scenario", "scale", "--seed", `5${version}`, "--visits", "3", "--detectors", "2"],
    ...["--fail-every", "5"],
  ],
  site: ["--universe", `${version}`],
}));

/** The table. */
export const SCENARIOS: readonly Scenario[] = [
  {
    name: "ok",
    make: ["--scenario", "ok", "--seed", "21", "--visits", "3", "--detectors", "2"],
    ours: ["-j", "3", "--ingest-batch-size", "11"],
    hasSecondRun: true,
  },
  {
    name: "mixed",
    make: ["--scenario", "mixed", "--seed", "22", "--visits", "5", "--detectors", "5"],
    ours: ["-j", "2"],
    ingest: ["--batch-size", "9"],
  },
  {
    name: "failed",
    make: [
      ...["--scenario", "mixed", "--seed", "23", "--visits", "4", "--detectors", "6"],
      ...["--raise-on-partial", "--phases", "2"],
    ],
    aggregate: ["--promise-ingest-graph"],
    ours: ["-j", "1"],
  },
  {
    name: "mock",
    make: ["--scenario", "mixed", "--mock", "--seed", "24", "--visits", "4", "--detectors", "3"],
    aggregate: ["--mock-storage-classes"],
  },
  {
    name: "unfinished",
    make: ["--scenario", "ok", "--seed", "25", "--stop-after", "23"],
    ours: ["-j", "2", "--ingest-batch-size", "1"],
    ingest: ["--transfer", "copy"],
  },
  {
    name: "resumed",
    make: ["--scenario", "ok", "--seed", "26", "--stop-after", "14", "--visits", "3"],
    isResumed: true,
  },
  {
    // Above 512 quanta all members of the predicted graph need a trained dictionary.
    name: "scale",
    make: [
      ...["--scenario", "scale", "--seed", "27", "--visits", "11", "--detectors", "24"],
      ...["--fail-every", "31"],
    ],
    ours: ["-j", "4"],
  },
  {
    // As in repositories that had metadata before 2022: files are YAML, one value is a scalar.
    name: "property-set",
    make: ["--scenario", "mixed", "--seed", "41", "--visits", "4", "--detectors", "4"],
    site: ["--property-set", "calibrate_metadata"],
    ours: ["-j", "2"],
  },
  {
    name: "yaml-metadata",
    make: ["--scenario", "mixed", "--seed", "42", "--visits", "3", "--detectors", "3"],
    site: ["--formatter", "TaskMetadata=lsst.daf.butler.formatters.yaml.YamlFormatter"],
  },
  {
    // Releases before v30.0.8 left colons in file names, and files keep their names.
    name: "older-names",
    make: ["--scenario", "mixed", "--seed", "43", "--visits", "3", "--detectors", "3"],
    site: ["--older-names", "--instrument", "Oracle:Cam|<1>"],
    ours: ["-j", "2"],
  },
  {
    // Values with percent escapes are decoded, once for the record and once more for the file.
    name: "escaped-names",
    make: ["--scenario", "ok", "--seed", "44", "--visits", "2", "--detectors", "2"],
    site: ["--instrument", "Oracle%3ACam%2542"],
  },
  ...UNIVERSES,
  {
    name: "simulated",
    make: [
      ...["--seed", "28", "--visits", "14", "--detectors", "5", "--fail", "0.25"],
      ...["--log-size", "4000"],
    ],
    isSimulated: true,
    ours: ["-j", "2"],
    ingest: ["--batch-size", "90"],
  },
];
