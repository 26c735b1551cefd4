/**
 * What errors of a PostgreSQL server, of the driver and of the network mean.
 *
 * @module
 */

import {
  ConflictingDatasetError,
  EnvironmentError,
  NotFoundError,
  ProvgraphError,
  RefusedError,
  RepositoryError,
} from "../../../base/errors.ts";
import { StaleReadError } from "../rules.ts";
import type { PostgresSettings } from "./postgres_settings.ts";

/** The parts of a server's error that matter here. Source: PostgreSQL manual, "Error Fields". */
interface ServerError extends Error {
  /** SQLSTATE. */
  code: string;
  detail?: string;
  schema_name?: string;
}

/** The connection is gone, and with it whatever was not committed. Never leaves this folder. */
export class ConnectionLostError extends Error {
  override name = "ConnectionLostError";
}

/** Codes of the driver and of the system for connections that broke or could not be made. */
const LOST_CODES = new Set([
  "CONNECTION_CLOSED",
  "CONNECTION_DESTROYED",
  "CONNECTION_ENDED",
  "CONNECT_TIMEOUT",
  "ECONNABORTED",
  "ECONNREFUSED",
  "ECONNRESET",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTCONN",
  "EPIPE",
  "ETIMEDOUT",
  // A socket's file is away while its server restarts.
  "ENOENT",
  "ENOTFOUND",
  "EAI_AGAIN",
]);

/** SQLSTATEs after which the server closes the connection, or does not take one now. */
const LOST_STATES = new Set([
  "25P03", // idle in transaction for too long
  "53300", // too many connections
  "57P01", // shut down by administrator
  "57P02", // crash of another process
  "57P03", // starting up or shutting down
  "57P05", // idle for too long
]);

/** SQLSTATE of an error that the server sent; null for all others. */
function sqlState(error: unknown): string | null {
  return isServerError(error) ? error.code : null;
}

function isServerError(error: unknown): error is ServerError {
  return error instanceof Error && error.name === "PostgresError" &&
    /^[0-9A-Z]{5}$/.test((error as ServerError).code);
}

/** Whether an error means that the connection broke, or that none could be had just now. */
export function isConnectionLost(error: unknown): boolean {
  const state = sqlState(error);
  if (state !== null) return LOST_STATES.has(state) || state.startsWith("08");
  if (error instanceof ConnectionLostError) return true;
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === "string" && LOST_CODES.has(code);
}

/** Whether the same transaction may succeed at once when it is tried again. */
export function isSerializationFailure(error: unknown): boolean {
  const state = sqlState(error);
  return state === "40001" || state === "40P01" || error instanceof StaleReadError;
}

/** Whether somebody else made the same table at the same time. */
export function isDuplicateTable(error: unknown): boolean {
  const state = sqlState(error);
  return state === "42P07" || state === "42710" ||
    (state === "23505" && (error as ServerError).schema_name === "pg_catalog");
}

/** Whether a row was refused: a violated constraint, or a value that its column can't hold. */
export function isRowRefused(error: unknown): boolean {
  return /^2[23]/.test(sqlState(error) ?? "");
}

/** The server's message with its detail, in one line. */
export function serverMessage(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const detail = isServerError(error) ? error.detail : undefined;
  return detail === undefined ? error.message : `${error.message}: ${detail.replace(/\.$/, "")}`;
}

/**
 * Turns an error into one for the user; errors of this tool, and those of tests, stay what they are.
 *
 * @param verb what was attempted, for messages: "import datasets into"
 */
export function translatePostgresError(
  error: unknown,
  { name, notes, user: fullUser }: PostgresSettings,
  verb: string,
): unknown {
  if (error instanceof ProvgraphError) return error;
  // Behind a colon, somebody meant a password.
  const user = fullUser.replace(/:.*$/s, "");
  const what = `Cannot ${verb} registry "${name}"`;
  const cause = error;
  const message = serverMessage(error);
  const state = sqlState(error);
  if (state === null) {
    if (error instanceof StaleReadError) {
      return new EnvironmentError(`${what}: others keep changing the same datasets`, { cause });
    }
    if (!isConnectionLost(error)) return error;
    return new EnvironmentError(`${what}: the server can't be reached (${message})`, {
      cause,
      hint: "Check host and port, and that the server runs",
    });
  }
  const environment = (text: string, hint?: string) =>
    new EnvironmentError(`${what}: ${text} (${message})`, { cause, hint });
  switch (state) {
    case "28000":
    case "28P01":
      return new RepositoryError(
        `${what}: the server does not let user "${user}" in (${message})`,
        {
          cause,
          hint: [...notes, "check db-auth.yaml, PGPASSWORD, or the password file"].join("; "),
        },
      );
    case "3D000":
      return new NotFoundError(`${what}: ${message}`, {
        cause,
        hint: "Check registry.db in the repository's configuration",
      });
    case "42501":
      return environment(
        `user "${user}" has no permission`,
        "Ask the database's owner for the privileges, or connect as another user",
      );
    case "25006":
      return environment(
        "the server takes no writes",
        "It may be a standby; connect to the primary",
      );
    case "53300":
      return environment("the server has no connection left", "Try again later");
    case "53100":
      return environment("the server's disk is full");
    case "55P03":
      return environment(
        "another client holds a lock on it",
        "Try again when no other butler command writes to this repository",
      );
    case "57014":
      return environment(
        "the server ended a statement that took too long",
        "Raise its statement_timeout for this user, or use smaller batches",
      );
    case "40001":
    case "40P01":
      return environment("others wrote to the same rows each time it was tried", "Try again");
    case "42P01":
    case "3F000":
    case "42703":
      return new RepositoryError(`${what}: it lacks a table or column (${message})`, { cause });
  }
  if (isConnectionLost(error)) {
    return environment("the server closed the connection", "Try again when it runs");
  }
  if (state.startsWith("23")) return new ConflictingDatasetError(`${what}: ${message}`, { cause });
  if (isRowRefused(error)) return new RefusedError(`${what}: ${message}`, { cause });
  return environment("the server reported an error", undefined);
}
