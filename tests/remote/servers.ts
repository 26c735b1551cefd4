/**
 * Real S3 and WebDAV servers for the tests, started by the scripts of `../shared/oracle/remote`, once a run.
 * Where one can't be had, the reason is told and its tests are skipped.
 *
 * @module
 */

import { join } from "node:path";
import type { Environment } from "../../lib/base/environment.ts";
import { PROJECT } from "../support/fixtures.ts";

/** Where scripts and fixtures of the reference are. */
export const SCRIPTS = join(PROJECT, "..", "shared", "oracle", "remote");
/** Building the S3 server takes minutes the first time. */
const START_MS = 540_000;

/** A server. */
export interface Server {
  /** `s3`, `apache` or `xrootd`. */
  kind: string;
  /** Where its files may be put: `s3://bucket` or `dav://host:port`. */
  root: string;
  port: number;
  /** Its folder; files are below `objects`. */
  folder: string;
  /** Who must own files that are put there directly; empty if it doesn't matter. */
  user: string;
  /** Variables that clients need. */
  variables: Record<string, string>;
  env: Environment;
  /** Removes all that is stored. */
  wipe(): void;
  /** Stores the files of a folder below a path of the server. */
  load(folder: string, path: string): void;
}

/** Name of the bucket that tests write to. */
export const BUCKET = "provgraph-test";

const folders: string[] = [];
const stops: (() => void)[] = [];

/** Stops the servers that were started, and removes their folders. */
export function stopServers(): void {
  for (const stop of stops.splice(0)) stop();
  for (const folder of folders.splice(0)) Deno.removeSync(folder, { recursive: true });
}

/** Starts the S3 server; a text says why that can't be. */
export function startS3(): Server | string {
  const reason = Deno.env.get("TEST_SERVERS_NO_S3");
  if (reason !== undefined) return reason;
  const folder = newFolder();
  const port = freePort();
  const started = run("s3-server.sh", {}, "start", folder, String(port));
  if (typeof started !== "string") return started.reason;
  stops.push(() => run("s3-server.sh", {}, "stop", folder));
  const bucket = run("s3-server.sh", {}, "bucket", folder, BUCKET);
  if (typeof bucket !== "string") return bucket.reason;
  return server("s3", `s3://${BUCKET}`, port, folder, started);
}

/**
 * Starts a WebDAV server; a text says why that can't be.
 *
 * @param how More variables of its script: `WEBDAV_TLS`, `WEBDAV_TOKEN`.
 */
export function startWebDav(
  kind: "apache" | "xrootd",
  how: Record<string, string> = {},
): Server | string {
  const folder = newFolder();
  const port = freePort();
  const variables = { WEBDAV_KIND: kind, ...how };
  const started = run("webdav-server.sh", variables, "start", folder, String(port));
  if (typeof started !== "string") return started.reason;
  stops.push(() => run("webdav-server.sh", variables, "stop", folder));
  const scheme = "WEBDAV_TLS" in how ? "davs" : "dav";
  return server(kind, `${scheme}://127.0.0.1:${port}`, port, folder, started);
}

function server(kind: string, root: string, port: number, folder: string, text: string): Server {
  const variables: Record<string, string> = {};
  for (const line of text.split("\n")) {
    for (const [, name, value] of line.replace(/^export /, "").matchAll(/(\w+)=(\S*)/g)) {
      variables[name] = value;
    }
  }
  const { WEBDAV_USER: user = "", ...rest } = variables;
  return {
    kind,
    root,
    port,
    folder,
    user,
    variables: rest,
    env: environmentOf(rest),
    wipe: () => {
      if (kind === "s3") must("s3-server.sh", {}, "wipe", folder, BUCKET);
      else must("webdav-server.sh", { WEBDAV_KIND: kind }, "wipe", folder);
    },
    load: (tree, path) => {
      if (kind === "s3") return must("s3-server.sh", {}, "load", folder, `${BUCKET}/${path}`, tree);
      const target = join(folder, "objects", path);
      const copy = ["-c", 'mkdir -p "$2" && cp -r "$1"/. "$2" && chown -R "$3" "$2"', "sh"];
      const { success } = new Deno.Command("sh", { args: [...copy, tree, target, user] })
        .outputSync();
      if (!success) throw new Error(`Cannot copy "${tree}" to "${target}"`);
    },
  };
}

function must(script: string, env: Record<string, string>, ...args: string[]): void {
  const result = run(script, env, ...args);
  if (typeof result !== "string") throw new Error(result.reason);
}

/** Variables that this file's tests have set. */
const used = new Set<string>();

/** Sets the variables of a server in this process, for workers too, until the file's tests have ended. */
export function useVariables(variables: Record<string, string>): void {
  for (const [name, value] of Object.entries(variables)) {
    Deno.env.set(name, value);
    used.add(name);
  }
}

Deno.test.afterAll(() => {
  for (const name of used) Deno.env.delete(name);
});

/** The proxy that counts and breaks requests, in front of a server. */
export async function startProxyFor(server: Server, delay = 0) {
  const module = await import(`file://${join(SCRIPTS, "fault_proxy.ts")}`) as ProxyModule;
  return module.startProxy({ listen: 0, upstream: server.port, delay });
}

/** What we use of the proxy's module. */
interface ProxyModule {
  startProxy(options: { listen: number; upstream: number; delay?: number }): RequestProxy;
}

/** What requests are to suffer; `fault_proxy.ts` tells of each. */
export interface FaultRule {
  kind?: string;
  key?: string;
  rate?: number;
  after?: number;
  times?: number;
  action: string;
  status?: number;
  code?: string;
  bytes?: number;
  ms?: number;
}

/** A running proxy. */
export interface RequestProxy {
  port: number;
  /** Added to each request, milliseconds. */
  delay: number;
  setRules(rules: FaultRule[]): void;
  stats(): {
    requests: number;
    byKind: Record<string, number>;
    byStatus: Record<string, number>;
    faults: Record<string, number>;
    mostAtOnce: number;
  };
  /** `t` is seconds since the last reset. */
  entries: { kind: string; key: string; status: number; t: number; ms: number }[];
  reset(): void;
  stop(): void | Promise<void>;
}

/** The environment with these variables and no others. */
export function environmentOf(variables: Record<string, string>): Environment {
  return { get: (name) => variables[name] };
}

/** A port that nobody listens on, with the two next to it, which XRootD takes too. */
function freePort(): number {
  for (;;) {
    const first = 20_000 + Math.floor(Math.random() * 20_000);
    try {
      for (let i = 0; i < 3; i++) {
        Deno.listen({ hostname: "127.0.0.1", port: first + i }).close();
      }
      return first;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
}

/** The servers' own users must get into it. */
function newFolder(): string {
  const folder = Deno.makeTempDirSync({ prefix: "provgraph-server-" });
  Deno.chmodSync(folder, 0o755);
  folders.push(folder);
  return folder;
}

function run(
  script: string,
  env: Record<string, string>,
  ...args: string[]
): string | { reason: string } {
  const path = join(SCRIPTS, script);
  try {
    Deno.statSync(path);
  } catch {
    return { reason: "there is no folder ../shared/oracle/remote with the servers' scripts" };
  }
  if (Deno.build.os !== "linux" || Deno.uid() !== 0) {
    return { reason: "the servers' scripts want root on Linux" };
  }
  const { success, stdout, stderr } = new Deno.Command("timeout", {
    args: [String(START_MS / 1000), path, ...args],
    env,
  }).outputSync();
  if (success) return new TextDecoder().decode(stdout);
  const lines = new TextDecoder().decode(stderr).trim().split("\n");
  return { reason: `${script} ${args[0]} fails: ${lines[lines.length - 1]}` };
}
