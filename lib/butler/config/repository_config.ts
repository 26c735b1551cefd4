/**
 * What is known of a repository by its configuration.
 *
 * @module
 */

import type { ConfigMapping } from "./config_value.ts";

/** One file datastore of a repository. */
export interface DatastoreConfig {
  /** Name in `dataset_location`: contains the root as configured, not as expanded. */
  name: string;
  /** Absolute local path, or URI in a remote store, without "/" at its end. */
  root: string;
  recordsTable: string;
  /** Whether `ingest` stores checksums. */
  checksum: boolean;
  templates: ConfigMapping;
  formatters: ConfigMapping;
  composites: ConfigMapping;
  /** The datastore's own, then those of the chains that it is in: all have to accept a dataset. */
  constraints: ConfigMapping[];
  /** Whether a root that doesn't exist is made. */
  create: boolean;
}

/** Registry part of a {@linkcode RepositoryConfig}. */
export interface RegistryConfig {
  dialect: "sqlite" | "postgresql";
  /** SQLAlchemy URL with the root put in and, for PostgreSQL, missing parts filled in. */
  url: string;
  /** Absolute path of the SQLite file; null for PostgreSQL. */
  path: string | null;
  /** PostgreSQL schema, null if not configured. */
  namespace: string | null;
  /** Class name of each manager by kind (`attributes`, `collections`, `datasets`, ...). */
  managers: { [kind: string]: string };
  /** Dataset types are renamed or get other storage classes: writing must be refused. */
  hasDatasetTypeOverrides: boolean;
}

/** What a repository's configuration says. Plain data: it can be sent to workers. */
export interface RepositoryConfig {
  /** The argument as given by the user. */
  argument: string;
  /** Absolute path of the configuration file. */
  configPath: string;
  /** Absolute path of the repository. */
  root: string;
  registry: RegistryConfig;
  /** The first of {@linkcode datastores}: the only one, but in a chain of several. */
  datastore: DatastoreConfig;
  /** Datastores that keep files, in the order in which they are asked. */
  datastores: DatastoreConfig[];
  /** Members of a chain that keep nothing and are left out: name and class. */
  leftOut: string[];
  /** Classes that are left out because the user says so. */
  ignored: string[];
}
