/**
 * Connecting to a PostgreSQL server as libpq does: several hosts, Unix sockets, TLS modes. The driver
 * gets the finished socket, for its own way of asking for TLS can't tell a refusal from a fault, and
 * its own way of connecting tries again for ever.
 *
 * @module
 */

import { isIP, Socket } from "node:net";
import { checkServerIdentity, connect as connectTls, type TLSSocket } from "node:tls";
import { EnvironmentError, hostRefused, RepositoryError } from "../../../base/errors.ts";
import { readLimitedText } from "../../../storage/regular_file.ts";
import type { PostgresHost, PostgresSettings } from "./postgres_settings.ts";

/** Length and code of the request for TLS. Source: PostgreSQL manual, "Message Formats". */
const SSL_REQUEST = Uint8Array.of(0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f);
/** A larger certificate file, in bytes, is none; those of whole systems have some 200 kB. */
const MAX_PEM_SIZE = 4 * 1024 * 1024;
const ANSWER_YES = 0x53;

/**
 * A socket on which the server waits for the start-up message.
 *
 * @throws {Error} of the system, if no host can be reached; the last one's.
 * @throws {EnvironmentError} if the server can't do TLS, or its certificate is not accepted, though
 *   the settings ask for it.
 * @throws {RepositoryError} if a certificate file of the settings can't be read.
 */
export async function connectSocket(settings: PostgresSettings): Promise<Socket> {
  let failure: unknown;
  for (const place of settings.hosts) {
    try {
      return await connectHost(place, settings);
    } catch (error) {
      if (error instanceof RepositoryError) throw error;
      const refused = hostRefused(`connect to "${settings.name}"`, error);
      if (refused !== null) throw refused;
      failure = error;
    }
  }
  throw failure;
}

async function connectHost(place: PostgresHost, settings: PostgresSettings): Promise<Socket> {
  const { sslMode } = settings;
  const socket = await openSocket(place, settings.connectTimeoutMs);
  // Sockets of the machine itself never have TLS; "allow" only has it where all else is refused.
  if (place.host.startsWith("/") || sslMode === "disable" || sslMode === "allow") return socket;
  try {
    if (!await offersTls(socket, settings.connectTimeoutMs)) {
      // The driver only listens: it does not wake a paused socket.
      if (sslMode === "prefer") return socket.resume();
      throw new EnvironmentError(
        `Cannot connect to "${settings.name}": the server does not offer TLS, and sslmode is ` +
          `"${sslMode}"`,
      );
    }
    return await startTls(socket, place, settings);
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

function openSocket({ host, port }: PostgresHost, timeoutMs: number): Promise<Socket> {
  const socket = new Socket();
  const connected = outcome<Socket>(socket, timeoutMs, (resolve) => {
    socket.once("connect", () => resolve(socket));
  });
  if (host.startsWith("/")) socket.connect(`${host}/.s.PGSQL.${port}`);
  else socket.connect(port, host);
  return connected;
}

function offersTls(socket: Socket, timeoutMs: number): Promise<boolean> {
  const answered = outcome<boolean>(socket, timeoutMs, (resolve, reject) => {
    socket.once("data", (data: Uint8Array) => {
      socket.pause();
      // More than one byte before TLS has begun is somebody else's.
      if (data.length === 1) resolve(data[0] === ANSWER_YES);
      else reject(systemError("ECONNRESET", "unexpected answer to the request for TLS"));
    });
  });
  socket.write(SSL_REQUEST);
  return answered;
}

async function startTls(
  socket: Socket,
  { host }: PostgresHost,
  settings: PostgresSettings,
): Promise<Socket> {
  const { sslMode } = settings;
  const isChecked = sslMode === "verify-ca" || sslMode === "verify-full";
  const { sslRootCert, sslCert, sslKey } = settings;
  const secure: TLSSocket = connectTls({
    socket,
    servername: isIP(host) ? undefined : host,
    host,
    rejectUnauthorized: isChecked,
    ...(isChecked && sslRootCert !== null ? { ca: readPem(sslRootCert) } : {}),
    ...(sslCert !== null && sslKey !== null
      ? { cert: readPem(sslCert), key: readPem(sslKey) }
      : {}),
    ...(sslMode === "verify-full" ? {} : { checkServerIdentity: () => undefined }),
  });
  try {
    await outcome<void>(secure, settings.connectTimeoutMs, (resolve) => {
      secure.once("secureConnect", () => resolve());
    });
    if (isChecked) requireIdentity(secure, sslMode === "verify-full" ? host : null);
    return secure;
  } catch (error) {
    secure.destroy();
    const reason = error instanceof Error ? error.message : String(error);
    throw new EnvironmentError(
      `Cannot connect to "${settings.name}": TLS failed with sslmode "${sslMode}": ${reason}`,
      { cause: error },
    );
  }
}

/** Older Deno says that it is connected before it has looked at the certificate: none is there then. */
function requireIdentity(secure: TLSSocket, host: string | null): void {
  const certificate = secure.getPeerCertificate();
  if (!secure.authorized || certificate?.subject === undefined) {
    throw new Error("the server's certificate was not accepted");
  }
  const mismatch = host === null ? undefined : checkServerIdentity(host, certificate);
  if (mismatch !== undefined) throw mismatch;
}

function readPem(path: string): string {
  try {
    return readLimitedText(path, MAX_PEM_SIZE, (state) => new Error(state));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new RepositoryError(`Cannot read certificate file "${path}": ${reason}`);
  }
}

/** Waits for one event of a socket, for its failure, or for the time to pass. Leaves no listeners. */
function outcome<T>(
  socket: Socket,
  timeoutMs: number,
  listen: (resolve: (value: T) => void, reject: (error: unknown) => void) => void,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const finish = (act: () => void) => {
      clearTimeout(timer);
      socket.off("error", fail);
      socket.off("close", closed);
      act();
    };
    const fail = (error: unknown) => finish(() => reject(error));
    const closed = () => fail(systemError("ECONNRESET", "the server closed the connection"));
    const timer = setTimeout(() => {
      socket.destroy();
      fail(systemError("ETIMEDOUT", `no answer within ${timeoutMs / 1000} seconds`));
    }, timeoutMs);
    socket.once("error", fail);
    socket.once("close", closed);
    listen((value) => finish(() => resolve(value)), fail);
  });
}

function systemError(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}
