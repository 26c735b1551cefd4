/**
 * Signed requests to one bucket, and what its answers mean.
 *
 * @module
 */

import {
  EnvironmentError,
  NotFoundError,
  type ProvgraphError,
  RefusedError,
} from "../../../base/errors.ts";
import { nodeCrypto } from "../../../base/node_modules.ts";
import { type Answer, answerText, type HttpRequest, HttpTransport } from "../http_transport.ts";
import { openClients } from "../http_clients.ts";
import { RequestWindow } from "../request_window.ts";
import { S3Keys } from "./s3_config.ts";
import { CONTENT_SHA256, RequestSigner } from "./sign.ts";
import type { StorageContext, StorageFacts } from "../storage.ts";
import { quotePath } from "../storage_url.ts";
import { XmlReader } from "../xml.ts";

/** What is asked of a bucket. */
interface S3Request {
  method: string;
  /** Null for the bucket itself. */
  key: string | null;
  /** Parameters, not quoted. */
  query?: Record<string, string>;
  headers?: Record<string, string>;
  body?: Uint8Array<ArrayBuffer>;
  maxBody?: number;
  /** False for what must not be done twice without a look. */
  isRepeatable?: boolean;
}

/** Codes that mean the same as status 503, whatever status they come with. */
const OVERLOAD_CODES = new Set([
  "SlowDown",
  "Throttling",
  "ThrottlingException",
  "ThrottledException",
  "RequestLimitExceeded",
  "BandwidthLimitExceeded",
  "RequestThrottled",
  "RequestThrottledException",
  "TooManyRequestsException",
  "ProvisionedThroughputExceededException",
  "PriorRequestNotComplete",
  "EC2ThrottledException",
  "RequestTimeout",
  "OperationAborted",
  "ConditionalRequestConflict",
]);
/** Codes after which keys are read again. */
const CREDENTIAL_CODES = new Set([
  "ExpiredToken",
  "TokenRefreshRequired",
  "InvalidToken",
  "InvalidAccessKeyId",
  "SignatureDoesNotMatch",
]);
const MAX_BODY = 2 ** 24;
const MAX_REGION_MOVES = 2;

/** A bucket. */
export class S3Client implements Disposable {
  readonly transport: HttpTransport;
  readonly xml: XmlReader;
  readonly #keys: S3Keys;
  readonly #signer: RequestSigner;
  readonly #isContinued: boolean;
  #region: string;
  #clockOffsetMs = 0;
  #hasAnswered = false;

  private constructor(
    keys: S3Keys,
    signer: RequestSigner,
    xml: XmlReader,
    transport: HttpTransport,
    isContinued: boolean,
  ) {
    this.#keys = keys;
    this.#signer = signer;
    this.xml = xml;
    this.transport = transport;
    this.#isContinued = isContinued;
    this.#region = keys.config.region;
  }

  /** @throws {UsageError} if the configuration can't work. */
  static async open(authority: string, context: StorageContext): Promise<S3Client> {
    const keys = new S3Keys(authority, context.env);
    const { AwsV4Signer } = await import("aws4fetch");
    const { authorities } = keys.config;
    const clients = openClients({
      authorities: authorities === null ? [] : [authorities],
      client: null,
    });
    const transport = new HttpTransport(clients, {
      window: new RequestWindow(context.maxRequests),
      signal: context.signal,
    });
    return new S3Client(
      keys,
      new RequestSigner(AwsV4Signer),
      new XmlReader(),
      transport,
      context.isContinued ?? false,
    );
  }

  get bucket(): string {
    return this.#keys.config.bucket;
  }

  /** Where the bucket is and who we are there. */
  facts(): StorageFacts {
    const { bucketUrl, keysFrom } = this.#keys.config;
    const { clockOffsetMs, nRequests } = this.transport;
    const details = [`region ${this.#region}`];
    return { address: bucketUrl, identity: keysFrom, details, clockOffsetMs, nRequests };
  }

  /**
   * Sends a request and gives its answer, whatever status it has; only credentials, clocks and regions
   * are put right here, once.
   *
   * @param what is attempted, with its object.
   * @throws {EnvironmentError} as {@linkcode HttpTransport.send}.
   */
  async send(what: string, request: S3Request): Promise<Answer> {
    let hasRefreshed = false;
    let hasSetClock = false;
    for (let nMoves = 0;;) {
      const { credentials } = this.#keys;
      const answer = await this.transport.send({
        what,
        make: (to) => this.#signed(request, to),
        isRepeatable: request.isRepeatable ?? true,
        maxBody: request.maxBody ?? MAX_BODY,
        followsRedirects: false,
        isOverload: (answer) => answer.status >= 400 && OVERLOAD_CODES.has(codeOf(answer) ?? ""),
      });
      const code = answer.status < 300 ? null : codeOf(answer);
      if (answer.status < 300) this.#hasAnswered = true;
      if (code === "RequestTimeTooSkewed" && !hasSetClock) {
        hasSetClock = true;
        this.#clockOffsetMs = this.transport.clockOffsetMs ?? 0;
        continue;
      }
      const isRefused = answer.status === 403 && code === null || CREDENTIAL_CODES.has(code ?? "");
      if (isRefused && !hasRefreshed) {
        hasRefreshed = true;
        if (this.#keys.refresh(credentials)) continue;
      }
      const region = answer.headers.get("x-amz-bucket-region");
      if (
        answer.status === 301 && region !== null && region !== this.#region &&
        nMoves++ < MAX_REGION_MOVES
      ) {
        this.#region = region;
        continue;
      }
      if (answer.status === 307 && nMoves++ < MAX_REGION_MOVES) {
        const location = answer.headers.get("location");
        if (location !== null && URL.canParse(location)) {
          return await this.#sendTo(what, request, new URL(location).origin);
        }
      }
      return answer;
    }
  }

  /** The error for an answer that isn't what was asked for. */
  error(what: string, answer: Answer): ProvgraphError {
    const code = codeOf(answer);
    const text = answerText(answer);
    const { profile, keysFrom, bucket } = this.#keys.config;
    if (code === "NoSuchBucket") {
      return this.#refusal(`Cannot ${what}: bucket "${bucket}" isn't there (${text})`, {
        hint: "check the name of the bucket and the endpoint" +
          (profile === null ? " (S3_ENDPOINT_URL)" : ` (LSST_RESOURCES_S3_PROFILE_${profile})`),
      });
    }
    if (code === "RequestTimeTooSkewed") {
      return this.#refusal(`Cannot ${what}: ${text}: the clock of this machine is wrong`, {
        hint: "set the clock, then run the same command again",
      });
    }
    if (answer.status === 401 || answer.status === 403 || CREDENTIAL_CODES.has(code ?? "")) {
      return this.#refusal(`Cannot ${what}: ${text}; the keys are those of ${keysFrom}`, {
        hint: code === "AccessDenied" || code === null
          ? "ask for the permission; without that of listing the bucket, some stores refuse what " +
            "is absent"
          : "renew the keys, then run the same command again",
      });
    }
    if (answer.status === 404) return new NotFoundError(`Cannot ${what}: ${text}`);
    return new EnvironmentError(`Cannot ${what}: ${text}`, {
      hint: answer.status === 507 || /quota|storagefull/i.test(code ?? "")
        ? "free some space in the store, then run the same command again"
        : "mend the cause and run the same command again",
    });
  }

  [Symbol.dispose](): void {
    this.transport[Symbol.dispose]();
  }

  /** Before anything was done it is of no use to try again; later what was done stays. */
  #refusal(message: string, options: { hint: string }): ProvgraphError {
    return this.#hasAnswered || this.#isContinued
      ? new EnvironmentError(message, options)
      : new RefusedError(message, options);
  }

  async #sendTo(what: string, request: S3Request, origin: string): Promise<Answer> {
    return await this.transport.send({
      what,
      make: () => this.#signed(request, origin),
      isRepeatable: request.isRepeatable ?? true,
      maxBody: request.maxBody ?? MAX_BODY,
      followsRedirects: false,
    });
  }

  #signed(request: S3Request, origin: string | null): HttpRequest {
    const { bucketUrl } = this.#keys.config;
    let url = request.key === null
      ? bucketUrl.replace(/\/$/, "")
      : bucketUrl + quotePath(request.key);
    if (origin !== null) url = origin + new URL(url).pathname;
    const query = Object.entries(request.query ?? {})
      .map(([name, value]) => `${encodeURIComponent(name)}=${quoteValue(value)}`)
      .join("&");
    if (query !== "") url += `?${query}`;
    const headers: Record<string, string> = { ...request.headers };
    const { method, body } = request;
    // An encrypted connection keeps the body whole by itself.
    if (url.startsWith("http:")) headers[CONTENT_SHA256] = sha256Hex(body);
    const sent = { method, url, headers, ...(body === undefined ? {} : { body }) };
    const identity = { ...this.#keys.credentials, region: this.#region };
    return {
      ...sent,
      headers: this.#signer.sign(sent, identity, Date.now() + this.#clockOffsetMs),
    };
  }
}

/** The code in an error document; null if there is none. */
export function codeOf({ body, status }: Answer): string | null {
  if (body.length === 0 || status === 404 && body.length > 2 ** 14) return null;
  const text = new TextDecoder().decode(body.subarray(0, 2 ** 14));
  return /<Code>\s*([A-Za-z0-9.]{1,100})\s*<\/Code>/.exec(text)?.[1] ?? null;
}

function quoteValue(value: string): string {
  return quotePath(value).replaceAll("/", "%2F");
}

const EMPTY_SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

function sha256Hex(body: Uint8Array | undefined): string {
  return body === undefined || body.length === 0
    ? EMPTY_SHA256
    : nodeCrypto().createHash("sha256").update(body).digest("hex");
}
