/**
 * Requests to one WebDAV server, and what its answers mean.
 *
 * @module
 */

import {
  EnvironmentError,
  NotFoundError,
  type ProvgraphError,
  RefusedError,
} from "../../../base/errors.ts";
import { DavIdentity } from "./dav_config.ts";
import { openClients } from "../http_clients.ts";
import { type Answer, answerText, type HttpClients, HttpTransport } from "../http_transport.ts";
import { RequestWindow } from "../request_window.ts";
import type { StorageContext, StorageFacts } from "../storage.ts";
import { quotePath, type StorageUrl } from "../storage_url.ts";
import { XmlReader } from "../xml.ts";

/** Servers that differ in how they are asked. */
type DavVariant = "generic" | "dcache" | "xrootd";

/** What is asked of the server. */
interface DavRequest {
  method: string;
  /** Absolute path, not quoted, or a whole URL that an answer has led to. */
  path: string;
  headers?: Record<string, string>;
  body?: Uint8Array<ArrayBuffer>;
  maxBody?: number;
  isRepeatable?: boolean;
  followsRedirects?: boolean;
  isFresh?: boolean;
}

const MAX_BODY = 2 ** 26;
/** A door of dCache serves few at once, and says so by refusing connections. */
const DCACHE_START = 4;
const DCACHE_MOST = 16;

/** 5.7: before, names of headers had to be spelt with capitals, which our client doesn't do. */
const MIN_XROOTD = 5007;

/** A server. */
export class DavClient implements Disposable {
  readonly xml: XmlReader;
  readonly variant: DavVariant;
  readonly transport: HttpTransport;
  readonly #identity: DavIdentity;
  readonly #clients: ChangingClients;
  readonly #isContinued: boolean;
  #hasAnswered = false;

  private constructor(
    identity: DavIdentity,
    xml: XmlReader,
    clients: ChangingClients,
    transport: HttpTransport,
    known: { variant: DavVariant; isContinued: boolean },
  ) {
    this.#identity = identity;
    this.xml = xml;
    this.#clients = clients;
    this.transport = transport;
    this.variant = known.variant;
    this.#isContinued = known.isContinued;
  }

  /**
   * Asks the server what it is.
   *
   * @throws {RefusedError} if it is no WebDAV server, or lets us not in.
   */
  static async open(url: StorageUrl, context: StorageContext): Promise<DavClient> {
    const identity = new DavIdentity(url.scheme, url.authority, context.env);
    const xml = new XmlReader();
    const clients = new ChangingClients(identity);
    const { timeoutRead, retries } = identity.config;
    const make = (window: RequestWindow) =>
      new HttpTransport(clients, {
        window,
        signal: context.signal,
        rules: { answerMs: timeoutRead * 1000, nTries: Math.max(5, retries + 1) },
      });
    const isContinued = context.isContinued ?? false;
    const known = { variant: "generic" as DavVariant, isContinued };
    const first = new DavClient(identity, xml, clients, make(new RequestWindow(1)), known);
    try {
      known.variant = await first.#ask();
    } catch (error) {
      clients.close();
      throw error;
    }
    const most = known.variant === "dcache"
      ? Math.min(DCACHE_MOST, context.maxRequests ?? DCACHE_MOST)
      : context.maxRequests;
    const window = new RequestWindow(
      most,
      known.variant === "dcache" ? DCACHE_START : undefined,
    );
    const client = new DavClient(identity, xml, clients, make(window), known);
    client.#hasAnswered = true;
    return client;
  }

  get origin(): string {
    return this.#identity.config.origin;
  }

  /** Where the server is and who we are there. */
  facts(): StorageFacts {
    const { credential } = this.#identity.config;
    const { clockOffsetMs, nRequests } = this.transport;
    const details = [`asked as ${this.variant === "generic" ? "any server" : this.variant}`];
    return { address: this.origin, identity: credential, details, clockOffsetMs, nRequests };
  }

  /** Sends a request and gives its answer, whatever status it has. */
  async send(what: string, request: DavRequest): Promise<Answer> {
    const sent: { authorization: string | null } = { authorization: null };
    let answer = await this.#send(what, request, false, sent);
    if (answer.status === 401 || answer.status === 403) {
      const wasElsewhere = new URL(answer.url).origin !== this.origin;
      // Credentials are read for each request, so that this one has those of now.
      const isRenewed = sent.authorization !== this.#identity.authorization();
      if (wasElsewhere || isRenewed || answer.status === 401) {
        answer = await this.#send(what, request, true, sent);
      }
    }
    if (answer.status < 300) this.#hasAnswered = true;
    return answer;
  }

  /** The error for an answer that isn't what was asked for. */
  error(what: string, answer: Answer): ProvgraphError {
    const text = `Cannot ${what}: ${answerText(answer)}`;
    if (answer.status === 401 || answer.status === 403) {
      const message = `${text}; what identifies us is ${this.#identity.config.credential}`;
      const hint = "renew it or ask for the permission, then run the same command again";
      return this.#hasAnswered || this.#isContinued
        ? new EnvironmentError(message, { hint })
        : new RefusedError(message, { hint });
    }
    if (answer.status === 404) return new NotFoundError(text);
    return new EnvironmentError(text, {
      hint: answer.status === 507
        ? "free some space in the store, then run the same command again"
        : "mend the cause and run the same command again",
    });
  }

  [Symbol.dispose](): void {
    this.transport[Symbol.dispose]();
  }

  /** @param sent Is told what identified us. */
  async #send(
    what: string,
    request: DavRequest,
    identifiesEverywhere: boolean,
    sent: { authorization: string | null },
  ): Promise<Answer> {
    const { origins, reusesConnections } = this.#identity.config;
    return await this.transport.send({
      what,
      make: (redirectedTo) => {
        this.#clients.renew();
        const own = origins[Math.floor(Math.random() * origins.length)];
        const url = redirectedTo ??
          (/^https?:\/\//.test(request.path) ? request.path : own + quotePath(request.path));
        const isOwn = [this.origin, ...origins].includes(new URL(url).origin);
        const authorization = isOwn || identifiesEverywhere ? this.#identity.authorization() : null;
        if (isOwn) sent.authorization = authorization;
        return {
          method: request.method,
          url,
          headers: {
            ...request.headers,
            ...(authorization === null ? {} : { authorization }),
          },
          ...(request.body === undefined ? {} : { body: request.body }),
        };
      },
      isRepeatable: request.isRepeatable ?? true,
      maxBody: request.maxBody ?? MAX_BODY,
      followsRedirects: request.followsRedirects ?? true,
      isFresh: request.isFresh === true || !reusesConnections,
    });
  }

  async #ask(): Promise<DavVariant> {
    const what = `ask WebDAV server "${this.origin}"`;
    const answer = await this.send(what, { method: "OPTIONS", path: "/" });
    if (answer.status !== 200 && answer.status !== 201) throw this.error(what, answer);
    const classes = (answer.headers.get("dav") ?? "").split(",").map((one) => one.trim());
    if (!classes.includes("1")) {
      throw new RefusedError(
        `Cannot use "${this.origin}" as a WebDAV server: it doesn't say that it is one`,
        { hint: "check host and port of the URI" },
      );
    }
    const server = (answer.headers.get("server") ?? "").toLowerCase();
    const version = /^xrootd\/v?(\d+)\.(\d+)/.exec(server);
    if (version !== null && Number(version[1]) * 1000 + Number(version[2]) < MIN_XROOTD) {
      throw new RefusedError(
        `Cannot use WebDAV server "${this.origin}": XRootD ${version[1]}.${
          version[2]
        } knows names ` +
          "of HTTP headers in one spelling only, and would take the size of a file for 0",
        { hint: "XRootD 5.7 and later can be used" },
      );
    }
    return server.startsWith("dcache")
      ? "dcache"
      : server.startsWith("xrootd")
      ? "xrootd"
      : "generic";
  }
}

/** How often files of certificates are looked at, milliseconds. */
const LOOK_MS = 30_000;

/** Clients that are made anew when our certificate is renewed: a proxy certificate lives for hours. */
class ChangingClients implements HttpClients {
  readonly #identity: DavIdentity;
  #clients: HttpClients;
  #lookedMs = Date.now();

  constructor(identity: DavIdentity) {
    this.#identity = identity;
    this.#clients = openClients(identity.certificates());
  }

  kept = (url: string, init: RequestInit): Promise<Response> => this.#clients.kept(url, init);
  fresh = (url: string, init: RequestInit): Promise<Response> => this.#clients.fresh(url, init);

  renew(): void {
    const nowMs = Date.now();
    if (nowMs - this.#lookedMs < LOOK_MS) return;
    this.#lookedMs = nowMs;
    // Requests that are under way keep the old one.
    if (this.#identity.haveCertificatesChanged()) {
      this.#clients = openClients(this.#identity.certificates());
    }
  }

  close(): void {
    this.#clients.close();
  }
}
