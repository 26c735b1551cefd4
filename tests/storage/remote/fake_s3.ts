/**
 * An S3 server in the test's own process: it keeps objects, gives lists in short pages, takes uploads in parts,
 * and answers what a test's script says instead. Signatures aren't checked; whose they are can be seen.
 *
 * @module
 */

import { environmentOf } from "../../remote/servers.ts";

/** A request as scripts and tests see it. */
export interface SeenRequest {
  method: string;
  /** Key of the object, not quoted; empty for the bucket. */
  key: string;
  query: URLSearchParams;
  headers: Headers;
  body: Uint8Array<ArrayBuffer>;
  /** Access key ID and region of the signature. */
  accessKey: string;
  region: string;
}

/** What a script answers; null lets the server do its work. */
export type Script = (
  request: SeenRequest,
  n: number,
) => Response | null | Promise<Response | null>;

/** An error document. */
export function s3Error(status: number, code: string, headers: Record<string, string> = {}) {
  const body = `<?xml version="1.0"?><Error><Code>${code}</Code><Message>as scripted</Message>` +
    "<RequestId>7</RequestId></Error>";
  return new Response(body, { status, headers: { "content-type": "application/xml", ...headers } });
}

const xml = (text: string) => text.replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`);

interface StoredObject {
  bytes: Uint8Array<ArrayBuffer>;
  etag: string;
  headers: Record<string, string>;
}

interface Upload {
  key: string;
  startMs: number;
  parts: Map<number, Uint8Array<ArrayBuffer>>;
}

/** Starts one; its bucket is called "bucket". @param pageSize Keys of one page of a list. */
export function startFakeS3(pageSize = 2) {
  const objects = new Map<string, StoredObject>();
  const uploads = new Map<string, Upload>();
  const seen: SeenRequest[] = [];
  const state: { script: Script | null } = { script: null };
  let nVersions = 0;

  function store(request: SeenRequest, bytes: Uint8Array<ArrayBuffer>): Response {
    if (request.headers.get("if-none-match") === "*" && objects.has(request.key)) {
      return s3Error(412, "PreconditionFailed");
    }
    const headers: Record<string, string> = {};
    request.headers.forEach((value, name) => {
      if (name.startsWith("x-amz-meta-")) headers[name] = value;
    });
    const etag = `"${++nVersions}-x"`;
    objects.set(request.key, { bytes, etag, headers });
    return new Response(null, { headers: { etag } });
  }

  function list({ query }: SeenRequest): Response {
    const prefix = query.get("prefix") ?? "";
    const after = query.get("continuation-token") ?? "";
    const keys = [...objects.keys()].filter((key) => key.startsWith(prefix) && key > after).sort();
    const page = keys.slice(0, pageSize);
    const next = keys.length > page.length ? page[page.length - 1] : null;
    const contents = page.map((key) => {
      const { bytes, etag } = objects.get(key)!;
      return `<Contents><Key>${xml(key)}</Key><Size>${bytes.length}</Size><ETag>${
        xml(etag)
      }</ETag>` +
        "</Contents>";
    }).join("");
    return new Response(
      `<ListBucketResult><IsTruncated>${next !== null}</IsTruncated>${contents}` +
        (next === null ? "" : `<NextContinuationToken>${xml(next)}</NextContinuationToken>`) +
        "</ListBucketResult>",
    );
  }

  function listUploads({ query }: SeenRequest): Response {
    const elements = [...uploads].filter(([, { key }]) => key.startsWith(query.get("prefix") ?? ""))
      .map(([id, { key, startMs }]) =>
        `<Upload><Key>${xml(key)}</Key><UploadId>${id}</UploadId><Initiated>${
          new Date(startMs).toISOString()
        }</Initiated></Upload>`
      );
    const date = new Date().toUTCString();
    return new Response(
      `<ListMultipartUploadsResult>${elements.join("")}</ListMultipartUploadsResult>`,
      { headers: { date } },
    );
  }

  function get({ method, key, headers }: SeenRequest): Response {
    const object = objects.get(key);
    if (object === undefined) {
      return method === "HEAD" ? new Response(null, { status: 404 }) : s3Error(404, "NoSuchKey");
    }
    const { bytes, etag } = object;
    const about = { ...object.headers, etag };
    if (method === "HEAD") {
      return new Response(null, { headers: { ...about, "content-length": String(bytes.length) } });
    }
    if ((headers.get("if-match") ?? etag) !== etag) return s3Error(412, "PreconditionFailed");
    const [, first, last] = /^bytes=(\d*)-(\d*)$/.exec(headers.get("range") ?? "") ?? [];
    if (first === undefined) return new Response(bytes, { headers: about });
    const start = first === "" ? Math.max(0, bytes.length - Number(last)) : Number(first);
    const end = first === "" || last === "" ? bytes.length : Math.min(bytes.length, +last + 1);
    if (start >= bytes.length) return s3Error(416, "InvalidRange");
    const range = `bytes ${start}-${end - 1}/${bytes.length}`;
    const part = { status: 206, headers: { ...about, "content-range": range } };
    return new Response(bytes.slice(start, end), part);
  }

  function post(request: SeenRequest): Response {
    const { query, key, body } = request;
    const text = new TextDecoder().decode(body);
    if (query.has("delete")) {
      for (const [, name] of text.matchAll(/<Key>(.*?)<\/Key>/g)) {
        objects.delete(name.replace(/&#(\d+);/g, (_, code) => String.fromCharCode(Number(code))));
      }
      return new Response("<DeleteResult></DeleteResult>");
    }
    if (query.has("uploads")) {
      const id = `upload-${++nVersions}`;
      uploads.set(id, { key, startMs: Date.now(), parts: new Map() });
      const about = `<Key>${xml(key)}</Key><UploadId>${id}</UploadId>`;
      return new Response(
        `<InitiateMultipartUploadResult>${about}</InitiateMultipartUploadResult>`,
      );
    }
    const id = query.get("uploadId") ?? "";
    const upload = uploads.get(id);
    if (upload === undefined) return s3Error(404, "NoSuchUpload");
    const bytes = [...upload.parts].sort(([a], [b]) => a - b).flatMap(([, part]) => [...part]);
    const answer = store(request, new Uint8Array(bytes));
    if (answer.status !== 200) return answer;
    uploads.delete(id);
    return new Response("<CompleteMultipartUploadResult></CompleteMultipartUploadResult>");
  }

  function act(request: SeenRequest): Response {
    const { method, key, query, body } = request;
    const id = query.get("uploadId");
    if (key === "" && query.has("uploads")) return listUploads(request);
    if (key === "" && method === "GET") return list(request);
    if (method === "POST") return post(request);
    if (method === "PUT" && id !== null) {
      if (!uploads.has(id)) return s3Error(404, "NoSuchUpload");
      uploads.get(id)!.parts.set(Number(query.get("partNumber")), body);
      return new Response(null, { headers: { etag: `"part-${query.get("partNumber")}"` } });
    }
    if (method === "PUT") {
      const from = request.headers.get("x-amz-copy-source");
      if (from === null) return store(request, body);
      const source = objects.get(decodeURIComponent(from).replace("/bucket/", ""));
      if (source === undefined) return s3Error(404, "NoSuchKey");
      store(request, source.bytes);
      return new Response("<CopyObjectResult></CopyObjectResult>");
    }
    if (method === "DELETE") {
      if (id !== null) uploads.delete(id);
      else objects.delete(key);
      return new Response(null, { status: 204 });
    }
    if (id !== null) return uploads.has(id) ? new Response("") : s3Error(404, "NoSuchUpload");
    return get(request);
  }

  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    async (raw) => {
      const url = new URL(raw.url);
      const signature = /Credential=([^/]*)\/\d+\/([^/]*)\//.exec(
        raw.headers.get("authorization") ?? "",
      );
      const request: SeenRequest = {
        method: raw.method,
        key: decodeURIComponent(url.pathname).replace(/^\/bucket\/?/, ""),
        query: url.searchParams,
        headers: raw.headers,
        body: await raw.bytes(),
        accessKey: signature?.[1] ?? "",
        region: signature?.[2] ?? "",
      };
      seen.push(request);
      return await state.script?.(request, seen.length) ?? act(request);
    },
  );
  const { port } = server.addr as Deno.NetAddr;
  const variables = {
    S3_ENDPOINT_URL: `http://127.0.0.1:${port}`,
    AWS_ACCESS_KEY_ID: "OLDKEY",
    AWS_SECRET_ACCESS_KEY: "never-to-be-shown",
  };
  return {
    root: "s3://bucket/data",
    port,
    variables,
    env: environmentOf(variables),
    objects,
    uploads,
    seen,
    /** What answers instead from now on. */
    setScript(script: Script | null) {
      state.script = script;
      seen.length = 0;
    },
    put: (key: string, text: string) =>
      objects.set(key, {
        bytes: new TextEncoder().encode(text),
        etag: `"${++nVersions}-x"`,
        headers: {},
      }),
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}
