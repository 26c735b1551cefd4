/**
 * An S3 server in memory, which counts requests and tells of each change as it happens: so a test can look
 * at every state that a store passes through. It checks no signatures; `tests/remote` has servers that do.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { dirname, join } from "node:path";
import type { Environment } from "../../lib/base/environment.ts";

/** Keys of a page of a list. */
const PAGE_SIZE = 1000;
export const FAKE_BUCKET = "fake-bucket";

interface StoredObject {
  bytes: Uint8Array<ArrayBuffer>;
  etag: string;
  modified: Date;
}

/** A request as it was counted. */
export interface CountedRequest {
  /** `GET`, `HEAD`, `PUT`, `LIST`, `DELETE` of one, `BULK` of many. */
  kind: string;
  key: string;
}

/** A running server; disposing of it stops it. */
export class FakeS3 implements AsyncDisposable {
  readonly objects = new Map<string, StoredObject>();
  readonly requests: CountedRequest[] = [];
  /** Told of each object that is about to be deleted. */
  onDelete: (key: string) => void = () => {};
  /** Answers instead of the server; null lets it answer. */
  intercept: (request: CountedRequest) => Response | null = () => null;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor() {
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      (request) => this.#answer(request),
    );
  }

  /** What clients need. */
  get variables(): Record<string, string> {
    return {
      S3_ENDPOINT_URL: `http://127.0.0.1:${this.#server.addr.port}`,
      AWS_ACCESS_KEY_ID: "somebody",
      AWS_SECRET_ACCESS_KEY: "something",
    };
  }

  get env(): Environment {
    return { get: (name) => this.variables[name] ?? Deno.env.get(name) };
  }

  put(key: string, bytes: Uint8Array<ArrayBuffer>): void {
    const etag = `"${createHash("md5").update(bytes).digest("hex")}"`;
    this.objects.set(key, { bytes, etag, modified: new Date() });
  }

  /** Stores the files below a folder. */
  load(folder: string, prefix: string): void {
    for (const { name, isDirectory } of Deno.readDirSync(folder)) {
      const path = join(folder, name);
      if (isDirectory) this.load(path, `${prefix}${name}/`);
      else this.put(prefix + name, Deno.readFileSync(path));
    }
  }

  /** Writes what is stored below a prefix into a folder. */
  save(prefix: string, folder: string): void {
    for (const [key, { bytes }] of this.objects) {
      if (!key.startsWith(prefix)) continue;
      const path = join(folder, key.slice(prefix.length));
      Deno.mkdirSync(dirname(path), { recursive: true });
      Deno.writeFileSync(path, bytes);
    }
  }

  /** How many requests of each kind there were. */
  counts(): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const { kind } of this.requests) counts[kind] = (counts[kind] ?? 0) + 1;
    return counts;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }

  async #answer(request: Request): Promise<Response> {
    const url = new URL(request.url);
    const path = decodeURIComponent(url.pathname).slice(1);
    const key = path === FAKE_BUCKET ? "" : path.slice(FAKE_BUCKET.length + 1);
    const body = new Uint8Array(await request.arrayBuffer());
    const kind = key !== "" ? request.method : request.method === "GET" ? "LIST" : "BULK";
    const counted = { kind, key: key === "" ? url.searchParams.get("prefix") ?? "" : key };
    this.requests.push(counted);
    const other = this.intercept(counted);
    if (other !== null) return other;
    switch (kind) {
      case "LIST":
        return this.#list(url.searchParams);
      case "BULK":
        return this.#deleteBulk(new TextDecoder().decode(body));
      case "PUT":
        return this.#put(key, body, request.headers);
      case "DELETE":
        this.#delete(key);
        return new Response(null, { status: 204 });
      default:
        return this.#get(key, request);
    }
  }

  #put(key: string, body: Uint8Array<ArrayBuffer>, headers: Headers): Response {
    if (headers.get("if-none-match") === "*" && this.objects.has(key)) {
      return failure(412, "PreconditionFailed");
    }
    this.put(key, body);
    return new Response(null, { headers: { etag: this.objects.get(key)!.etag } });
  }

  #get(key: string, { method, headers }: Request): Response {
    const object = this.objects.get(key);
    if (object === undefined) return failure(404, "NoSuchKey");
    const { bytes, etag, modified } = object;
    const match = headers.get("if-match");
    if (match !== null && match !== etag) return failure(412, "PreconditionFailed");
    const told = { etag, "last-modified": modified.toUTCString() };
    if (method === "HEAD") {
      return new Response(null, { headers: { ...told, "content-length": String(bytes.length) } });
    }
    const [, from = "", to = ""] = /^bytes=(\d*)-(\d*)$/.exec(headers.get("range") ?? "") ?? [];
    if (from === "" && to === "") return new Response(bytes, { headers: told });
    const start = from === "" ? Math.max(0, bytes.length - Number(to)) : Number(from);
    const end = from === "" || to === "" ? bytes.length : Math.min(bytes.length, Number(to) + 1);
    const range = `bytes ${start}-${end - 1}/${bytes.length}`;
    return new Response(bytes.slice(start, end), {
      status: 206,
      headers: { ...told, "content-range": range },
    });
  }

  #list(query: URLSearchParams): Response {
    const prefix = query.get("prefix") ?? "";
    const after = query.get("continuation-token") ?? "";
    const keys = [...this.objects.keys()].filter((key) => key.startsWith(prefix) && key > after)
      .sort();
    const page = keys.slice(0, Math.min(PAGE_SIZE, Number(query.get("max-keys") ?? PAGE_SIZE)));
    const isTruncated = page.length < keys.length;
    const contents = page.map((key) => {
      const { bytes, etag, modified } = this.objects.get(key)!;
      return `<Contents><Key>${encodeURIComponent(key)}</Key><Size>${bytes.length}</Size>` +
        `<ETag>${etag.replaceAll('"', "&quot;")}</ETag>` +
        `<LastModified>${modified.toISOString()}</LastModified></Contents>`;
    });
    const next = isTruncated ? `<NextContinuationToken>${page.at(-1)}</NextContinuationToken>` : "";
    return new Response(
      `<ListBucketResult><EncodingType>url</EncodingType><IsTruncated>${isTruncated}</IsTruncated>` +
        `${next}${contents.join("")}</ListBucketResult>`,
    );
  }

  #deleteBulk(text: string): Response {
    for (const [, key] of text.matchAll(/<Key>([^<]*)<\/Key>/g)) this.#delete(key);
    return new Response("<DeleteResult></DeleteResult>");
  }

  #delete(key: string): void {
    if (!this.objects.has(key)) return;
    this.onDelete(key);
    this.objects.delete(key);
  }
}

/** An answer that says what is wrong. */
export function failure(status: number, code: string): Response {
  return new Response(`<Error><Code>${code}</Code><Message>${code}</Message></Error>`, { status });
}
