/**
 * Requests over HTTP that end in an answer or in one clear error: turns, repeats, deadlines, redirects.
 * Bodies are whole and in memory on both sides. `schema/storage.md`, section 5, tells the rules.
 *
 * @module
 */

import { EnvironmentError, hostRefused, ProvgraphError } from "../../base/errors.ts";
import { withoutSecrets } from "../../base/text/secrets.ts";
import { type Deadline, type DeadlineRules, Deadlines } from "./deadlines.ts";
import { RequestWindow } from "./request_window.ts";

/** What sends a request; injected for tests. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** Two ways to the same server. */
export interface HttpClients {
  /** Over connections that are kept. */
  kept: Fetch;
  /** Over a new connection. */
  fresh: Fetch;
  close(): void;
}

/** One request. */
export interface HttpRequest {
  method: string;
  url: string;
  headers: Record<string, string>;
  body?: Uint8Array<ArrayBuffer>;
}

/** An answer with its body. */
export interface Answer {
  status: number;
  headers: Headers;
  body: Uint8Array<ArrayBuffer>;
  /** Where it came from, after redirects. */
  url: string;
}

/** What is to be known about a request besides its content. */
export interface Sending {
  /** What is attempted, with its object ('read "s3://b/k"'). */
  what: string;
  /** Makes the request, anew for each try: dates and signatures grow old. */
  make(redirectedTo: string | null): HttpRequest | Promise<HttpRequest>;
  /** Whether it may be sent again without knowing what became of it. */
  isRepeatable: boolean;
  /** Most bytes of the body of a good answer. */
  maxBody: number;
  /** Whether answers that lead elsewhere are followed here. */
  followsRedirects: boolean;
  /** The server is to end the connection, and none is kept. */
  isFresh?: boolean;
  /** Codes in error bodies that mean the same as status 503. */
  isOverload?(answer: Answer): boolean;
}

/** Rules, changed by configurations and tests. */
export interface TransportRules extends DeadlineRules {
  /** Tries of what fails in a way that may pass, and of what the store is too busy for. */
  nTries: number;
  nOverloadTries: number;
}

/** The rules unless told otherwise. */
const USUAL_RULES: TransportRules = {
  nTries: 5,
  nOverloadTries: 10,
  answerMs: 30_000,
  pieceMs: 30_000,
  wholeMs: 300_000,
};

/** What time and chance are; injected for tests. */
interface Chance {
  sleep(ms: number): Promise<void>;
  random(): number;
}

const REAL_CHANCE: Chance = {
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  random: Math.random,
};

/** The first wait is up to this long, each one more up to twice as long; milliseconds. */
const FIRST_WAIT_MS = 200;
const LONGEST_WAIT_MS = 30_000;
/** A server that asks for more patience than this is asked again nevertheless; milliseconds. */
const LONGEST_RETRY_AFTER_MS = 120_000;
/** Of an answer that is no good so much is read for the message, bytes. */
const MAX_ERROR_BODY = 65_536;
const MAX_REDIRECTS = 3;
/** Bodies of up to so many bytes are read in one go, for which they have the time of two pieces. */
const SMALL_BODY = 2 ** 18;
const PIECES_OF_SMALL = 2;
const OVERLOADED = new Set([429, 503]);
const PASSING = new Set([429, 500, 502, 503, 504]);
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/** Nobody knows whether the server has done what it was asked, as no answer came. */
export class LostAnswerError extends EnvironmentError {
  override name = "LostAnswerError";
}

/** A way to one server. */
export class HttpTransport implements Disposable {
  readonly #clients: HttpClients;
  readonly #window: RequestWindow;
  readonly #rules: TransportRules;
  readonly #chance: Chance;
  readonly #signal: AbortSignal | undefined;
  readonly #deadlines: Deadlines;
  #pausedUntilMs = 0;
  /** How far the server's clock is ahead of ours, milliseconds; from the last answer, null if none told. */
  clockOffsetMs: number | null = null;
  /** Requests sent. */
  nRequests = 0;

  constructor(
    clients: HttpClients,
    options: {
      window?: RequestWindow;
      rules?: Partial<TransportRules>;
      chance?: Chance;
      signal?: AbortSignal | undefined;
    } = {},
  ) {
    this.#clients = clients;
    this.#window = options.window ?? new RequestWindow();
    this.#rules = { ...USUAL_RULES, ...options.rules };
    this.#chance = options.chance ?? REAL_CHANCE;
    this.#signal = options.signal;
    this.#deadlines = new Deadlines(this.#rules, this.#signal);
  }

  /** Requests that may be under way at once at present. */
  get windowSize(): number {
    return this.#window.size;
  }

  /**
   * Sends a request until it is answered; an answer with any status but those that may pass is given back.
   *
   * @throws {LostAnswerError} if it isn't repeatable, and no answer came.
   * @throws {RefusedError} if this program may not reach the host.
   * @throws {EnvironmentError} after the last try; the message has status, code and number of tries.
   */
  async send(sending: Sending): Promise<Answer> {
    let hasFailedKept = false;
    for (let nTries = 1;; nTries++) {
      const isFresh = sending.isFresh === true || !sending.isRepeatable || hasFailedKept;
      const result = await this.#inTurn(sending, isFresh);
      if (!(result instanceof TransportFailure)) {
        const isOverload = OVERLOADED.has(result.status) || sending.isOverload?.(result) === true;
        if (!isOverload && !PASSING.has(result.status)) return result;
        const most = isOverload ? this.#rules.nOverloadTries : this.#rules.nTries;
        if (nTries >= most || (!sending.isRepeatable && !isOverload)) {
          throw answerError(sending.what, result, nTries);
        }
        await this.#wait(nTries, retryAfterMs(result.headers));
        continue;
      }
      if (!sending.isRepeatable) throw lostAnswer(sending.what, result.cause);
      // A kept connection that was closed meanwhile says nothing about the server.
      if (!isFresh && !result.hasBegun && !result.isTimeout) {
        hasFailedKept = true;
        nTries--;
        continue;
      }
      hasFailedKept = true;
      if (nTries >= this.#rules.nTries) throw transportError(sending.what, result, nTries);
      await this.#wait(nTries, null);
    }
  }

  [Symbol.dispose](): void {
    this.#clients.close();
  }

  async #wait(nTries: number, retryAfter: number | null): Promise<void> {
    const most = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** nTries);
    const wait = this.#chance.random() * most;
    if (retryAfter !== null) {
      const patience = Math.min(retryAfter, LONGEST_RETRY_AFTER_MS);
      this.#pausedUntilMs = Math.max(this.#pausedUntilMs, Date.now() + patience);
      // The fakes of tests have no clock: they are told how long.
      await this.#chance.sleep(patience + wait);
      return;
    }
    await this.#chance.sleep(wait);
  }

  async #inTurn(sending: Sending, isFresh: boolean): Promise<Answer | TransportFailure> {
    await this.#window.begin();
    const startMs = Date.now();
    if (this.#pausedUntilMs > startMs) await this.#chance.sleep(this.#pausedUntilMs - startMs);
    let outcome: "ok" | "overload" | "other" = "other";
    try {
      const answer = await this.#followed(sending, isFresh);
      const isOverload = answer instanceof TransportFailure
        ? answer.isTimeout || isFresh
        : OVERLOADED.has(answer.status) || sending.isOverload?.(answer) === true;
      outcome = isOverload ? "overload" : answer instanceof TransportFailure ? "other" : "ok";
      return answer;
    } finally {
      this.#window.end(outcome, Date.now() - startMs);
    }
  }

  async #followed(sending: Sending, isFresh: boolean): Promise<Answer | TransportFailure> {
    let to: string | null = null;
    for (let n = 0;; n++) {
      const request = await sending.make(to);
      const answer = await this.#once(sending, request, isFresh);
      if (answer instanceof TransportFailure) return answer;
      if (!sending.followsRedirects || !REDIRECTS.has(answer.status)) return answer;
      const location = redirectTarget(answer, request.url);
      if (location === null || n === MAX_REDIRECTS) return answer;
      to = location;
    }
  }

  async #once(
    sending: Sending,
    request: HttpRequest,
    isFresh: boolean,
  ): Promise<Answer | TransportFailure> {
    const deadline = this.#deadlines.begin();
    let hasBegun = false;
    try {
      this.nRequests++;
      const response = await (isFresh ? this.#clients.fresh : this.#clients.kept)(request.url, {
        method: request.method,
        headers: { "accept-encoding": "identity", ...request.headers },
        redirect: "manual",
        signal: deadline.signal,
        ...(request.body === undefined ? {} : { body: request.body }),
      });
      hasBegun = true;
      this.#noteClock(response.headers);
      const isGood = response.ok;
      const body = await readBody(
        response,
        isGood ? sending.maxBody : MAX_ERROR_BODY,
        isGood,
        request.method,
        deadline,
      );
      return { status: response.status, headers: response.headers, body, url: request.url };
    } catch (cause) {
      if (cause instanceof ProvgraphError) throw cause;
      if (this.#signal?.aborted) throw this.#signal.reason;
      const refused = hostRefused(sending.what, cause) ?? certificateRefused(sending.what, cause);
      if (refused !== null) throw refused;
      return new TransportFailure(cause, hasBegun, deadline.hasPassed);
    } finally {
      this.#deadlines.end(deadline);
    }
  }

  #noteClock(headers: Headers): void {
    const dateMs = Date.parse(headers.get("date") ?? "");
    if (!Number.isNaN(dateMs)) this.clockOffsetMs = dateMs - Date.now();
  }
}

/** A request that got no whole answer. */
class TransportFailure {
  readonly cause: unknown;
  /** Whether a status came. */
  readonly hasBegun: boolean;
  readonly isTimeout: boolean;

  constructor(cause: unknown, hasBegun: boolean, isTimeout: boolean) {
    this.cause = cause;
    this.hasBegun = hasBegun;
    this.isTimeout = isTimeout;
  }
}

/** A body that is larger than the caller takes. */
export class BodyTooLargeError extends EnvironmentError {
  override name = "BodyTooLargeError";
  /** Bytes, if the server says how many. */
  readonly size: number | null;

  constructor(size: number | null, max: number) {
    super(`Cannot read the answer: it has ${size ?? "more"} bytes, more than the ${max} allowed`);
    this.size = size;
  }
}

/**
 * Reads a body to its end, or of an error its beginning; the response is consumed or cancelled.
 *
 * @throws {BodyTooLargeError} if a good one is larger than `max`.
 */
async function readBody(
  response: Response,
  max: number,
  isGood: boolean,
  method: string,
  deadline: Deadline,
): Promise<Uint8Array<ArrayBuffer>> {
  const header = response.headers.get("content-length");
  const length = header === null || !/^\d+$/.test(header) ? null : Number(header);
  if (method === "HEAD" || response.body === null) {
    await response.body?.cancel();
    if (isGood && method !== "HEAD" && length !== null && length > 0) {
      throw new Error(`connection closed after 0 of ${length} bytes`);
    }
    return new Uint8Array(0);
  }
  if (isGood && length !== null && length > max) {
    await response.body.cancel();
    throw new BodyTooLargeError(length, max);
  }
  if (isGood && length !== null && length <= SMALL_BODY) {
    // In one go: reading it by pieces costs a third of the whole request.
    deadline.progress(PIECES_OF_SMALL);
    const bytes = await response.bytes();
    if (bytes.length === length) return bytes;
    throw new Error(`connection closed after ${bytes.length} of ${length} bytes`);
  }
  let bytes = new Uint8Array(Math.min(length ?? 2 ** 14, max));
  let n = 0;
  deadline.progress();
  const reader = response.body.getReader();
  for (;;) {
    const { value } = await reader.read();
    if (value === undefined) break;
    deadline.progress();
    if (n + value.length > max) {
      await reader.cancel();
      if (isGood) throw new BodyTooLargeError(null, max);
      bytes = joined(bytes, n, value.subarray(0, max - n));
      return bytes.subarray(0, max);
    }
    bytes = joined(bytes, n, value);
    n += value.length;
  }
  if (isGood && length !== null && n !== length) {
    throw new Error(`connection closed after ${n} of ${length} bytes`);
  }
  return bytes.subarray(0, n);
}

function joined(
  bytes: Uint8Array<ArrayBuffer>,
  n: number,
  piece: Uint8Array,
): Uint8Array<ArrayBuffer> {
  let target = bytes;
  if (n + piece.length > bytes.length) {
    target = new Uint8Array(Math.max(2 * bytes.length, n + piece.length));
    target.set(bytes.subarray(0, n));
  }
  target.set(piece, n);
  return target;
}

/** Where an answer leads; null if nowhere, or from an encrypted place to one that isn't. */
function redirectTarget({ headers }: Answer, from: string): string | null {
  const location = headers.get("location");
  if (location === null || !URL.canParse(location, from)) return null;
  const target = new URL(location, from);
  const isWeaker = from.startsWith("https:") && target.protocol !== "https:";
  return isWeaker || !/^https?:$/.test(target.protocol) ? null : target.href;
}

/** What `Retry-After` says, milliseconds; null if nothing. */
function retryAfterMs(headers: Headers): number | null {
  const text = headers.get("retry-after");
  if (text === null) return null;
  if (/^\d{1,6}$/.test(text)) return Number(text) * 1000;
  const dateMs = Date.parse(text);
  return Number.isNaN(dateMs) ? null : Math.max(0, dateMs - Date.now());
}

const RETRY_HINT = "check the address, the network and the state of the store, then run the same " +
  "command again";

/** What an answer says about itself: status, code and message of S3, request ID. */
export function answerText({ status, headers, body }: Answer): string {
  const text = new TextDecoder().decode(body.subarray(0, MAX_ERROR_BODY));
  const part = (name: string) => new RegExp(`<${name}>([^<]{1,300})</${name}>`).exec(text)?.[1];
  const code = part("Code");
  const message = part("Message");
  const id = headers.get("x-amz-request-id") ?? part("RequestId");
  return `the server answers ${status}` +
    (code === undefined ? "" : ` ${code}`) +
    (message === undefined ? "" : ` ("${withoutSecrets(message)}")`) +
    (id == null ? "" : `, request ${id}`);
}

function answerError(what: string, answer: Answer, nTries: number): EnvironmentError {
  return new EnvironmentError(
    `Cannot ${what}: ${answerText(answer)}, in each of ${nTries} tries`.replace(
      ", in each of 1 tries",
      "",
    ),
    { hint: RETRY_HINT },
  );
}

function transportError(
  what: string,
  failure: TransportFailure,
  nTries: number,
): EnvironmentError {
  return new EnvironmentError(
    `Cannot ${what}: ${causeText(failure)}, in each of ${nTries} tries`,
    { cause: failure.cause, hint: RETRY_HINT },
  );
}

function causeText({ cause, isTimeout, hasBegun }: TransportFailure): string {
  if (isTimeout) return hasBegun ? "the answer doesn't go on" : "no answer comes";
  return reasonOf(cause);
}

/** What the runtime says at the innermost, where the reason is: outside it is "fetch failed". */
function reasonOf(error: unknown): string {
  let inner = error;
  while (inner instanceof Error && inner.cause instanceof Error) inner = inner.cause;
  const text = inner instanceof Error ? inner.message : String(inner);
  return withoutSecrets(
    text.replace(
      /^error sending request (?:for url \([^)]*\)|from \S+ for \S+(?: \([^)]*\))?): /,
      "",
    ),
  );
}

/** The error for a server that shows a certificate which isn't trusted; null if it isn't about that. */
function certificateRefused(what: string, cause: unknown): EnvironmentError | null {
  const reason = reasonOf(cause);
  if (!/\bpeer certificate\b/.test(reason)) return null;
  return new EnvironmentError(`Cannot ${what}: ${reason}`, {
    cause,
    hint:
      "check the address; if its authority is to be trusted, name it: trusted_authorities in the " +
      "file of LSST_RESOURCES_WEBDAV_CONFIG for davs:, AWS_CA_BUNDLE for s3:",
  });
}

function lostAnswer(what: string, cause: unknown): LostAnswerError {
  return new LostAnswerError(
    `Cannot tell whether "${what}" was done: ${reasonOf(cause)}`,
    { cause, hint: RETRY_HINT },
  );
}

/** Certificates of a server and of ourselves, PEM. */
export interface Certificates {
  /** Authorities that are trusted besides those of the system. */
  authorities: string[];
  /** Our own certificate with its chain, and its key. */
  client: { cert: string; key: string } | null;
}
