/**
 * How a PostgreSQL server is reached.
 *
 * @module
 */

/** A server to try. */
export interface PostgresHost {
  /** Name or address; a path is the directory of a Unix socket. */
  host: string;
  port: number;
}

/** All that is needed to connect. Holds the password: never print it, never send it anywhere. */
export interface PostgresSettings {
  /** Tried in this order. */
  hosts: readonly PostgresHost[];
  user: string;
  password: string | null;
  database: string;
  sslMode: SslMode;
  /** Files in PEM, null for what the system trusts, or no client certificate. */
  sslRootCert: string | null;
  sslCert: string | null;
  sslKey: string | null;
  /** Milliseconds for each host. */
  connectTimeoutMs: number;
  applicationName: string;
  /** Options for the server, as in `PGOPTIONS`. */
  options: string | null;
  /** How messages name the database: its URL without password. */
  name: string;
  /** What a failed login may be due to: files that were passed over, and why. */
  notes: readonly string[];
}

/** One of {@linkcode SSL_MODES}. */
export type SslMode = typeof SSL_MODES[number];

/** What a connection does about TLS; as libpq. */
export const SSL_MODES = [
  "disable",
  "allow",
  "prefer",
  "require",
  "verify-ca",
  "verify-full",
] as const;
