/**
 * A PostgreSQL server of a test's own: the machine's binaries if it has any, else those of an npm
 * package; on a Unix socket and on loopback; gone with the test, whatever becomes of it.
 *
 * @module
 */

import { existsSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import postgres from "postgres";
import { importPostgres } from "./packages.ts";
import { fastDirectory } from "./fast_directory.ts";
import { copyTree } from "./fixtures.ts";

/** Superuser of test servers. */
export const SUPERUSER = "oracle";
/** A role that must give its password. */
export const PASSWORD_ROLE = { user: "locked", password: "p@ss:w/rd 'é" };

/** PostgreSQL refuses to run as root. */
const NOBODY = 65534;
const SOCKET_PORT = 5432;

/**
 * Waits for the parent's end of the pipe to close, for whatever reason, and cleans up. Neither signals to
 * the whole group (Ctrl-C, `timeout`) nor the end of its own parent must end it before.
 */
const KEEPER = `
trap '' INT TERM HUP
exec 3<&0
{
  "$1" -D "$2/data" >>"$2/server.log" 2>&1 </dev/null 3<&- &
  server=$!
  cat >/dev/null
  kill -QUIT $server 2>/dev/null
  wait $server
  [ -e "$2/keep" ] || rm -rf "$2"
} <&3 &
exec 3<&- 0</dev/null
wait
`;

interface Binaries {
  initdb: string;
  postgres: string;
}

/**
 * Binaries of the machine (PG_BIN, or the newest of Debian's), else of the npm package; of that in any
 * case, if PG_BIN is "npm".
 */
async function findBinaries(directory: string): Promise<Binaries> {
  const own = Deno.env.get("PG_BIN");
  if (own === "npm") return await unpackPackage(directory);
  const candidates = own ? [own] : debianDirectories();
  for (const bin of candidates) {
    const found = { initdb: join(bin, "initdb"), postgres: join(bin, "postgres") };
    if (existsSync(found.initdb) && existsSync(found.postgres)) return found;
  }
  if (own) throw new Error(`Cannot start PostgreSQL: PG_BIN "${own}" has no initdb`);
  return await unpackPackage(directory);
}

function debianDirectories(): string[] {
  const root = "/usr/lib/postgresql";
  if (!existsSync(root)) return [];
  return [...Deno.readDirSync(root)].map((entry) => entry.name)
    .sort((a, b) => Number(b) - Number(a))
    .map((version) => join(root, version, "bin"));
}

/** Copies the package where the server's user may read it, and makes the links it lacks. */
async function unpackPackage(directory: string): Promise<Binaries> {
  const { os, arch } = Deno.build;
  if (os !== "linux" || arch !== "x86_64") {
    throw new Error(`Cannot start PostgreSQL: no server here, and no package for ${os} ${arch}`);
  }
  const found = await importPostgres();
  const native = found.initdb.replace(/\/bin\/initdb$/, "");
  const target = join(directory, "native");
  copyTree(native, target);
  const links = JSON.parse(Deno.readTextFileSync(join(native, "pg-symlinks.json")));
  for (const { source, target: link } of links as { source: string; target: string }[]) {
    const from = source.replace(/^.*\//, "");
    const to = join(directory, link);
    if (!existsSync(to)) Deno.symlinkSync(from, to);
  }
  for (const file of Deno.readDirSync(join(target, "bin"))) {
    Deno.chmodSync(join(target, "bin", file.name), 0o755);
  }
  return { initdb: join(target, "bin/initdb"), postgres: join(target, "bin/postgres") };
}

/** A running server. */
export class PostgresServer implements AsyncDisposable {
  /** Holds everything of the server, its socket included. */
  readonly directory: string;
  readonly port: number;
  readonly #binaries: Binaries;
  #keeper: Deno.ChildProcess | null = null;
  #nDatabases = 0;

  private constructor(directory: string, port: number, binaries: Binaries) {
    this.directory = directory;
    this.port = port;
    this.#binaries = binaries;
  }

  /**
   * Makes and starts a server.
   *
   * @param settings lines for `postgresql.conf`
   */
  static async start(settings: readonly string[] = []): Promise<PostgresServer> {
    // Not below TMPDIR: names of sockets may have no more than 107 bytes.
    const dir = fastDirectory() ?? "/tmp";
    const directory = Deno.makeTempDirSync({ prefix: "provgraph-pg-", dir });
    Deno.chmodSync(directory, 0o755);
    const server = new PostgresServer(directory, freePort(), await findBinaries(directory));
    const data = join(directory, "data");
    Deno.mkdirSync(data, { mode: 0o700 });
    const asUser = userOf(directory, data);
    const { success, stderr } = await new Deno.Command(server.#binaries.initdb, {
      args: [
        "-D",
        data,
        "-U",
        SUPERUSER,
        "-A",
        "trust",
        "-E",
        "UTF8",
        "--locale=C",
        "--no-sync",
        "--no-instructions",
      ],
      cwd: directory,
      ...asUser,
    }).output();
    if (!success) {
      throw new Error(`Cannot make PostgreSQL data: ${new TextDecoder().decode(stderr)}`);
    }
    Deno.writeTextFileSync(
      join(data, "postgresql.conf"),
      [
        "fsync = off",
        "full_page_writes = off",
        "autovacuum = off",
        "max_connections = 30",
        "listen_addresses = '127.0.0.1'",
        `port = ${server.port}`,
        `unix_socket_directories = '${directory}'`,
        "timezone = 'Pacific/Auckland'",
        ...settings,
        "",
      ].join("\n"),
    );
    const { user } = PASSWORD_ROLE;
    Deno.writeTextFileSync(
      join(data, "pg_hba.conf"),
      `local all ${user} scram-sha-256\nhost all ${user} 127.0.0.1/32 scram-sha-256\n` +
        "local all all trust\nhost all all 127.0.0.1/32 trust\n",
    );
    await server.#run();
    return server;
  }

  async #run(): Promise<void> {
    this.#keeper = new Deno.Command("sh", {
      args: [
        "-c",
        KEEPER,
        "sh",
        this.#binaries.postgres,
        this.directory,
      ],
      cwd: this.directory,
      stdin: "piped",
      stdout: "null",
      stderr: "null",
      ...userOf(this.directory, join(this.directory, "data")),
    }).spawn();
    for (let i = 0;; i++) {
      try {
        await this.sql("SELECT 1");
        return;
      } catch (error) {
        if (i > 300) {
          const log = Deno.readTextFileSync(join(this.directory, "server.log"));
          throw new Error(`Cannot start PostgreSQL: ${error}\n${log}`);
        }
        await new Promise((resolve) => setTimeout(resolve, 30));
      }
    }
  }

  /** Ends the server as a crash does; the data stays for {@linkcode resume}. */
  async halt(): Promise<void> {
    const pid = Deno.readTextFileSync(join(this.directory, "data/postmaster.pid")).split("\n")[0];
    const keep = join(this.directory, "keep");
    Deno.writeTextFileSync(keep, "");
    Deno.kill(Number(pid), "SIGQUIT");
    const keeper = this.#keeper!;
    this.#keeper = null;
    await keeper.stdin.close();
    await keeper.status;
    Deno.removeSync(keep);
  }

  /** Starts a halted server again. */
  async resume(): Promise<void> {
    await this.#run();
  }

  /** URL of a database on the Unix socket. */
  url(database: string, user = SUPERUSER): string {
    // The port is in the socket's name, too.
    const port = this.port === SOCKET_PORT ? "" : `&port=${this.port}`;
    return `postgresql://${user}@/${database}?host=${this.directory}${port}`;
  }

  /** URL of a database on loopback. */
  tcpUrl(database: string, user = SUPERUSER, port = this.port): string {
    return `postgresql://${user}@127.0.0.1:${port}/${database}`;
  }

  /**
   * Runs statements on a connection of their own.
   *
   * @returns rows of the last one; integers of 64 bits are text
   */
  async sql(
    text: string,
    database = "postgres",
    user = SUPERUSER,
  ): Promise<Record<string, unknown>[]> {
    const client = this.client(database, user);
    try {
      const result = await client.unsafe(text);
      const last = Array.isArray(result[0]) ? result[result.length - 1] : result;
      return [...last as unknown as Record<string, unknown>[]];
    } finally {
      await client.end({ timeout: 5 });
    }
  }

  /** A connection of the driver's, to be ended by the caller. */
  client(database: string, user = SUPERUSER): postgres.Sql {
    return postgres({
      path: join(this.directory, `.s.PGSQL.${this.port}`),
      user,
      database,
      max: 1,
      fetch_types: false,
      onnotice: () => {},
      connection: { application_name: "test" },
    });
  }

  /** Makes a database from a template and gives its name. */
  async database(template = "template1"): Promise<string> {
    const name = `test_${++this.#nDatabases}`;
    await this.sql(`CREATE DATABASE ${name} TEMPLATE ${template}`);
    return name;
  }

  /** Removes a database, and whoever is connected to it. */
  async drop(name: string): Promise<void> {
    await this.sql(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
  }

  /** Ends the server and removes all of it. */
  async stop(): Promise<void> {
    if (this.#keeper === null) return;
    await this.#keeper.stdin.close();
    await this.#keeper.status;
    this.#keeper = null;
    // What the server's user could not remove.
    try {
      Deno.removeSync(this.directory, { recursive: true });
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

/** Which user runs the server; directories are given to it. */
function userOf(...directories: string[]): { uid?: number; gid?: number } {
  if (Deno.uid() !== 0) return {};
  for (const directory of directories) Deno.chownSync(directory, NOBODY, NOBODY);
  return { uid: NOBODY, gid: NOBODY };
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return (listener.addr as Deno.NetAddr).port;
}

/** A proxy between client and server that can cut their connections. */
export class CuttingProxy implements AsyncDisposable {
  readonly #server: ReturnType<typeof createServer>;
  readonly #sockets = new Set<ReturnType<typeof connect>>();
  port = 0;
  /** Looks at what the client sends; true cuts the connection before the server gets it. */
  onRequest: (data: Uint8Array) => boolean = () => false;
  /** Looks at what the server answers; true cuts the connection before the client gets it. */
  onAnswer: (data: Uint8Array) => boolean = () => false;
  /** Looks at what the client sends; the server gets it when the promise is kept. */
  onHold: (data: Uint8Array) => Promise<void> | null = () => null;
  /** Connections so far. */
  nConnections = 0;
  /** While false, connections are closed as soon as they are made. */
  isOpen = true;

  private constructor(target: number) {
    this.#server = createServer((client) => {
      this.nConnections++;
      if (!this.isOpen) {
        client.destroy();
        return;
      }
      const server = connect(target, "127.0.0.1");
      const cut = () => {
        client.destroy();
        server.destroy();
        this.#sockets.delete(client);
        this.#sockets.delete(server);
      };
      this.#sockets.add(client).add(server);
      client.on("data", (data: Uint8Array) => {
        const hold = this.onHold(data);
        if (hold !== null) hold.then(() => server.write(data));
        else if (this.onRequest(data)) cut();
        else server.write(data);
      });
      server.on("data", (data: Uint8Array) => {
        if (this.onAnswer(data)) cut();
        else client.write(data);
      });
      for (const socket of [client, server]) socket.on("error", cut).on("close", cut);
    });
  }

  /** A proxy to a port on loopback, on a port of its own. */
  static async start(target: number): Promise<CuttingProxy> {
    const proxy = new CuttingProxy(target);
    await new Promise<void>((resolve) => proxy.#server.listen(0, "127.0.0.1", () => resolve()));
    proxy.port = (proxy.#server.address() as { port: number }).port;
    return proxy;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    // Older Deno never says that it is closed.
    let timer: ReturnType<typeof setTimeout> | undefined;
    await Promise.race([
      new Promise<void>((resolve) => this.#server.close(() => resolve())),
      new Promise<void>((resolve) => timer = setTimeout(resolve, 1000)),
    ]);
    clearTimeout(timer);
  }
}
