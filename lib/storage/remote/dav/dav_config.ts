/**
 * What the file of `LSST_RESOURCES_WEBDAV_CONFIG` says of a WebDAV server. Source: `schema/storage.md`,
 * section 4.
 *
 * @module
 */

import type { Environment } from "../../../base/environment.ts";
import { EnvironmentError, UsageError } from "../../../base/errors.ts";
import { rememberSecret } from "../../../base/text/secrets.ts";
import { parse } from "../../../base/text/yaml.ts";
import { fileError, isAbsence } from "../../file_errors.ts";
import type { Certificates } from "../http_transport.ts";

/** How to reach a WebDAV server. */
interface DavConfig {
  /** Origins, `http(s)://host:port`, to one of which each request goes. */
  origins: string[];
  /** The server's own origin, which names destinations. */
  origin: string;
  /** Seconds until an answer begins. */
  timeoutRead: number;
  retries: number;
  reusesConnections: boolean;
  /** What identifies us, for messages. */
  credential: string;
}

/** Settings of one server in the file. */
type Entry = Record<string, unknown>;

const VARIABLE = "LSST_RESOURCES_WEBDAV_CONFIG";
/** A read that has to wait for a tape or a pool takes its time; seconds. */
const DEFAULT_TIMEOUT_READ = 60;
const DEFAULT_RETRIES = 3;

/** Configuration of one server, with what identifies us there; files are read again when they change. */
export class DavIdentity {
  readonly config: DavConfig;
  readonly #entry: Entry;
  readonly #env: Environment;
  #certificatesKey = "";

  /**
   * @param scheme `dav` or `davs`.
   * @param authority Host and port of the URI.
   * @throws {UsageError} if the file can't be used.
   */
  constructor(scheme: string, authority: string, env: Environment) {
    const http = scheme === "davs" ? "https" : "http";
    const origin = new URL(`${http}://${authority}/`).origin;
    this.#env = env;
    this.#entry = entryFor(origin, env) ?? {};
    const frontends = this.#list("frontend_base_urls").map((url) => originOf(url));
    for (const frontend of frontends) {
      if (!frontend.startsWith(`${http}:`)) refuse(`frontend "${frontend}" has another scheme`);
    }
    this.config = {
      origin,
      origins: frontends.length === 0 ? [origin] : frontends,
      timeoutRead: this.#number("timeout_read", DEFAULT_TIMEOUT_READ),
      retries: this.#number("retries", DEFAULT_RETRIES),
      reusesConnections: this.#entry.reuse_connection !== false,
      credential: this.#credentialName(),
    };
  }

  /** The header that identifies us; null if none does. Read from its file each time. */
  authorization(): string | null {
    const token = this.#text("token");
    if (token !== null) {
      const value = this.#secret(token);
      return `Bearer ${value}`;
    }
    const user = this.#text("user_name");
    const password = this.#text("user_password");
    if (user === null || password === null) return null;
    const pair = `${user}:${this.#secret(password)}`;
    const basic = btoa(String.fromCharCode(...new TextEncoder().encode(pair)));
    rememberSecret(basic);
    return `Basic ${basic}`;
  }

  /** Certificates of the server and of ourselves. */
  certificates(): Certificates {
    const trusted = this.#text("trusted_authorities");
    const cert = this.#text("token") === null ? this.#text("user_cert") : null;
    const key = this.#text("user_key") ?? cert;
    this.#certificatesKey = this.#keyOfCertificates();
    return {
      authorities: trusted === null ? [] : readAuthorities(trusted),
      client: cert === null ? null : { cert: readText(cert), key: readText(key!) },
    };
  }

  /** Whether the files of {@linkcode certificates} have changed since it was called. */
  haveCertificatesChanged(): boolean {
    return this.#certificatesKey !== this.#keyOfCertificates();
  }

  #keyOfCertificates(): string {
    return ["user_cert", "user_key"].map((name) => {
      const path = this.#text(name);
      if (path === null) return "";
      try {
        const { size, mtime } = Deno.statSync(path);
        return `${size} ${mtime?.getTime()}`;
      } catch {
        return "";
      }
    }).join();
  }

  #credentialName(): string {
    if (this.#text("token") !== null) return `the token in ${this.#file()}`;
    if (this.#text("user_name") !== null) return `user and password in ${this.#file()}`;
    const cert = this.#text("user_cert");
    if (cert !== null) return `certificate "${cert}"`;
    return `none: ${this.#file()} has no token, user_name or user_cert for this server`;
  }

  #file(): string {
    const path = this.#env.get(VARIABLE) ?? "";
    return path === "" ? `the file that ${VARIABLE} should name` : `"${path}"`;
  }

  #secret(value: string): string {
    let secret = value;
    if (value.startsWith("/") || isFile(value)) {
      const { mode } = statOf(value);
      if (mode !== null && (mode & 0o077) !== 0) {
        refuse(`file "${value}" can be read by others than its owner`, `chmod 600 ${value}`);
      }
      secret = readText(value).trim();
    }
    rememberSecret(secret);
    return secret;
  }

  #text(name: string): string | null {
    const value = this.#entry[name];
    if (value === undefined || value === null) return null;
    if (typeof value !== "string") return refuse(`its key ${name} is no text`);
    return value === "" ? null : expand(value, this.#env);
  }

  #number(name: string, usual: number): number {
    const value = this.#entry[name];
    if (value === undefined || value === null) return usual;
    if (typeof value === "number" && value >= 0) return value;
    return refuse(`its key ${name} is no number`);
  }

  #list(name: string): string[] {
    const value = this.#entry[name];
    if (value === undefined || value === null) return [];
    if (Array.isArray(value) && value.every((one) => typeof one === "string")) {
      return value.map((one) => expand(one, this.#env));
    }
    return refuse(`its key ${name} is no list of URLs`);
  }
}

function refuse(reason: string, hint?: string): never {
  throw new UsageError(
    `Cannot use the WebDAV configuration that ${VARIABLE} names: ${reason}`,
    hint === undefined ? {} : { hint },
  );
}

function entryFor(origin: string, env: Environment): Entry | null {
  const path = env.get(VARIABLE) ?? "";
  if (path === "") return null;
  let content: unknown;
  try {
    content = parse(readText(expand(path, env)));
  } catch (error) {
    return refuse(error instanceof Error ? error.message : String(error));
  }
  if (content === null) return null;
  if (!Array.isArray(content)) return refuse("it is no list");
  let found: Entry | null = null;
  const seen = new Set<string>();
  for (const entry of content) {
    const url: unknown = entry?.base_url;
    if (typeof url !== "string") return refuse("an entry has no base_url");
    const its = originOf(expand(url, env));
    if (seen.has(its)) return refuse(`server "${url}" is in it twice`);
    seen.add(its);
    if (its === origin) found = entry as Entry;
  }
  return found;
}

function originOf(url: string): string {
  const text = url.replace(/^dav(s?):\/\//i, "http$1://");
  if (!URL.canParse(text)) return refuse(`"${url}" is no URL`);
  return new URL(text).origin;
}

function expand(text: string, env: Environment): string {
  return text.replace(
    /\$(?:(\w+)|\{(\w+)\})/g,
    (whole, plain?: string, braced?: string) => env.get(plain ?? braced ?? "") ?? whole,
  ).replace(/^~(?=\/)/, env.get("HOME") ?? "~");
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

function statOf(path: string): Deno.FileInfo {
  try {
    return Deno.statSync(path);
  } catch (error) {
    if (isAbsence(error)) return refuse(`there is no file "${path}"`);
    throw fileError("look at file", path, error);
  }
}

function readText(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    throw new EnvironmentError(fileError("read file", path, error).message, { cause: error });
  }
}

/** A bundle, or a directory with files named by hashes, as the grid has them. */
function readAuthorities(path: string): string[] {
  if (!statOf(path).isDirectory) return [readText(path)];
  const names = [...Deno.readDirSync(path)].map((entry) => entry.name)
    .filter((name) => /^[0-9a-f]{8}\.\d+$/.test(name)).sort();
  if (names.length === 0) refuse(`directory "${path}" has no authorities in it`);
  return names.map((name) => readText(`${path}/${name}`));
}
