/**
 * `--version`: this program, what it is made of, and which formats and registries it knows.
 *
 * @module
 */

import { DatabaseSync } from "node:sqlite";
import config from "../../deno.json" with { type: "json" };
import { TOOL_NAME, TOOL_VERSION } from "../base/version.ts";
import {
  MAX_UNIVERSE_VERSION,
  supportedManagers,
} from "../butler/registry/tables/manager_versions.ts";
import { MAX_FORMAT_VERSION } from "../qg/header.ts";
import { ownCommit } from "./commit.ts";
import { jsonLine } from "./terminal/ndjson.ts";
import { CHUNK_LOG_VERSION } from "../chunks/chunk_format.ts";

/** Packages that compress and decompress, as the import map names them. */
const ZSTD_PACKAGES = ["zstd-codec/lib/module.js", "@bokuweb/zstd-wasm"] as const;

/**
 * The answer to `--version`.
 *
 * @param isJson One JSON line (`schema/json/version.schema.json`), else lines for people.
 * @param root Folder of the entry point.
 */
export function versionText(isJson: boolean, root: URL): string {
  const commit = ownCommit(root);
  const { standalone, target } = Deno.build;
  const sqlite = sqliteVersion();
  const zstd = ZSTD_PACKAGES.map((name) => packageVersion(config.imports[name]));
  const packages = [...new Set(Object.values(config.imports).map(packageVersion))]
    .filter((name) => !name.startsWith("@types/") && !zstd.includes(name)).sort();
  const managers = supportedManagers();
  if (isJson) {
    return jsonLine("version", {
      name: TOOL_NAME,
      version: TOOL_VERSION,
      commit,
      compiled: standalone,
      target,
      deno: Deno.version.deno,
      v8: Deno.version.v8,
      sqlite,
      zstd,
      packages,
      graph_format: MAX_FORMAT_VERSION,
      chunk_log_format: CHUNK_LOG_VERSION,
      dimension_universe: MAX_UNIVERSE_VERSION,
      managers,
    });
  }
  const rows: [name: string, value: string][] = [
    ["commit", commit],
    ["Deno", `${Deno.version.deno} (${target}, ${standalone ? "compiled" : "from source"})`],
    ["V8", Deno.version.v8],
    ["SQLite", sqlite],
    ["zstd", zstd.join(", ")],
    ["packages", packages.join(", ")],
    ["graph format", `up to ${MAX_FORMAT_VERSION}`],
    ["chunk log format", String(CHUNK_LOG_VERSION)],
    ["dimension universe", `up to ${MAX_UNIVERSE_VERSION}`],
    ...Object.entries(managers).map(([kind, versions]): [string, string] => [
      `manager ${kind}`,
      versions.join(", "),
    ]),
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  const lines = rows.map(([name, value]) => `${name.padEnd(width)}  ${value}\n`);
  return `${TOOL_NAME} ${TOOL_VERSION}\n${lines.join("")}`;
}

function sqliteVersion(): string {
  const database = new DatabaseSync(":memory:");
  try {
    return String(database.prepare("select sqlite_version() as version").get()?.version);
  } finally {
    database.close();
  }
}

/** `zstd-codec 0.1.5` of `npm:zstd-codec@0.1.5/lib/module.js`. */
function packageVersion(specifier: string): string {
  const match = /^npm:(@?[^@]+)@([^/]+)/.exec(specifier);
  return match === null ? specifier : `${match[1]} ${match[2]}`;
}
