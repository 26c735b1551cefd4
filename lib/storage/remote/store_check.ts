/**
 * Whether a storage can be used: each thing that commands need is tried once, on a file of our own with a
 * random name. `schema/commands/check-storage.md` tells the steps.
 *
 * @module
 */

import { ProvgraphError, RefusedError } from "../../base/errors.ts";
import type { ByteSource } from "../byte_source.ts";
import { randomWord } from "../temporary_name.ts";
import { BodyTooLargeError } from "./http_transport.ts";
import { openStorage } from "./open_storage.ts";
import { TAIL_SIZE } from "./range_source.ts";
import type { Storage, StorageContext } from "./storage.ts";
import type { StorageUrl } from "./storage_url.ts";
import { TakenNameError } from "./taken_name_error.ts";

/** What came of one step. */
export interface StoreStep {
  name: StoreStepName;
  /** `note`: it works, and something should be known; `skipped`: it wasn't tried. */
  state: "ok" | "note" | "mend" | "skipped";
  detail: string;
  /** What mends it; null if nothing is known, or nothing is wrong. */
  hint: string | null;
  seconds: number;
}

/** Names of the steps, in their order. */
const STORE_STEPS = [
  "configuration",
  "reach",
  "clock",
  "list",
  "write",
  "read-range",
  "conditional-write",
  "delete",
] as const;

/** One of {@linkcode STORE_STEPS}. */
type StoreStepName = typeof STORE_STEPS[number];

/** What a storage has turned out to be able to do; null: not known. */
export interface StoreAbilities {
  isLocal: boolean;
  hasDirectories: boolean;
  listsByPrefix: boolean;
  readsRanges: boolean | null;
  writesConditionally: boolean | null;
  /** Files that one request deletes. */
  bulkDelete: number | null;
  clockOffsetSeconds: number | null;
}

/** What is tried. */
interface StoreCheckOptions {
  /** Whether a file may be written, and deleted again. */
  mayWrite: boolean;
}

/** A file that is larger than what opening one reads, so that a range is asked for; bytes. */
const PROBE_SIZE = TAIL_SIZE + 4096;
const PROBE_PREFIX = ".provgraph-check-";
/** Files of a list that are looked at. */
const N_LISTED = 1000;
/** Stores refuse signatures of other clocks from 15 minutes on; certificates and tokens mind less. Seconds. */
const MAX_CLOCK_OFFSET = 60;
/** Clocks in answers have whole seconds. */
const CLOCK_RESOLUTION = 2;

type Outcome = Pick<StoreStep, "state" | "detail"> & { hint?: string };

/** One check of one place. */
export class StoreCheck {
  readonly abilities: StoreAbilities;
  readonly #url: StorageUrl;
  readonly #context: StorageContext;
  readonly #mayWrite: boolean;
  /** Path of a file that was there before and is large enough to be read by ranges. */
  #large: { path: string; size: number } | null = null;
  /** Our file, once it is written whole. */
  #probe: { path: string; bytes: Uint8Array<ArrayBuffer> } | null = null;
  /** Path of what may be there of ours, also where an answer was lost. */
  #leftover: string | null = null;

  constructor(url: StorageUrl, context: StorageContext, { mayWrite }: StoreCheckOptions) {
    this.#url = url;
    this.#context = context;
    this.#mayWrite = mayWrite;
    this.abilities = {
      isLocal: url.scheme === "file",
      hasDirectories: url.scheme !== "s3",
      listsByPrefix: url.scheme === "s3",
      readsRanges: null,
      writesConditionally: null,
      bulkDelete: null,
      clockOffsetSeconds: null,
    };
  }

  /** Does the steps. What was written is deleted again, however they end. */
  async *run(): AsyncGenerator<StoreStep> {
    let opened: Storage | null = null;
    const open = await this.#step("configuration", async () => {
      opened = await openStorage(this.#url, this.#context);
      return this.#configuration(opened);
    });
    yield open;
    // The closure's assignment is out of the compiler's sight.
    const storage = opened as Storage | null;
    if (storage === null) return yield* skippedFrom(1, "the place can't be opened");
    try {
      const reached = await this.#step("reach", () => this.#reach(storage));
      yield reached;
      if (reached.state === "mend") return yield* skippedFrom(2, "the place can't be reached");
      yield await this.#step("clock", () => Promise.resolve(this.#clock(storage)));
      yield await this.#step("list", () => this.#list(storage));
      yield await this.#step("write", () => this.#write(storage));
      yield await this.#step("read-range", () => this.#readRange(storage));
      yield await this.#step("conditional-write", () => this.#writeConditionally(storage));
      yield await this.#step("delete", () => this.#delete(storage));
    } finally {
      await this.#sweep(storage);
      storage[Symbol.dispose]();
    }
  }

  async #step(name: StoreStepName, work: () => Promise<Outcome>): Promise<StoreStep> {
    const startMs = performance.now();
    const done = ({ state, detail, hint }: Outcome): StoreStep => ({
      name,
      state,
      detail,
      hint: hint ?? null,
      seconds: (performance.now() - startMs) / 1000,
    });
    try {
      this.#context.signal?.throwIfAborted();
      return done(await work());
    } catch (error) {
      if (this.#context.signal?.aborted || !(error instanceof ProvgraphError)) throw error;
      const { message, hint } = error;
      return done({ state: "mend", detail: message, ...(hint === undefined ? {} : { hint }) });
    }
  }

  #configuration(storage: Storage): Outcome {
    const { address, identity, details } = storage.facts();
    if (address === null) return { state: "ok", detail: "local files" };
    const words = [address, ...details, `identified by ${identity ?? "nothing"}`];
    return { state: "ok", detail: words.join(", ") };
  }

  async #reach(storage: Storage): Promise<Outcome> {
    const startMs = performance.now();
    if (await storage.look()) {
      return {
        state: "ok",
        detail: `it answers in ${(performance.now() - startMs).toFixed(0)} ms`,
      };
    }
    return {
      state: "mend",
      detail: `there is no directory "${storage.root.text}"`,
      hint: "check its name, or make it",
    };
  }

  #clock(storage: Storage): Outcome {
    const { clockOffsetMs } = storage.facts();
    if (this.abilities.isLocal) return { state: "ok", detail: "there is one clock only" };
    if (clockOffsetMs === null) return { state: "note", detail: "the store doesn't tell its time" };
    const seconds = Math.round(clockOffsetMs / 1000);
    this.abilities.clockOffsetSeconds = seconds;
    if (Math.abs(seconds) <= CLOCK_RESOLUTION) {
      return { state: "ok", detail: "the store's clock and ours agree" };
    }
    const detail = `the store's clock is ${Math.abs(seconds)} s ${
      seconds > 0 ? "ahead of" : "behind"
    } ours`;
    if (Math.abs(seconds) <= MAX_CLOCK_OFFSET) return { state: "ok", detail };
    return { state: "mend", detail, hint: "set the clock of this machine, as by NTP" };
  }

  async #list(storage: Storage): Promise<Outcome> {
    let n = 0;
    for await (const { path, version } of storage.list("")) {
      n++;
      if (version.size > TAIL_SIZE) this.#large ??= { path, size: version.size };
      if (n >= N_LISTED || this.#large !== null) break;
    }
    const detail = n === 0 ? "it is empty" : `${n === 1 ? "a file is" : `${n} files are`} listed`;
    return { state: "ok", detail };
  }

  async #write(storage: Storage): Promise<Outcome> {
    if (!this.#mayWrite) return { state: "skipped", detail: "nothing is to be written" };
    const path = `${PROBE_PREFIX}${randomWord()}`;
    const bytes = crypto.getRandomValues(new Uint8Array(TAIL_SIZE));
    const whole = new Uint8Array(PROBE_SIZE);
    whole.set(bytes);
    whole.set(bytes.subarray(0, PROBE_SIZE - TAIL_SIZE), TAIL_SIZE);
    // From here on it may be there, also if the answer is lost.
    this.#leftover = path;
    try {
      await storage.put(path, sourceOf(path, whole), { mustBeNew: true });
    } catch (error) {
      // Somebody else's file, though nobody else has that name: it is left alone.
      if (error instanceof TakenNameError) this.#leftover = null;
      throw error;
    }
    this.#probe = { path, bytes: whole };
    return { state: "ok", detail: `${PROBE_SIZE} bytes as "${path}"` };
  }

  /** Reads our own file, else one that is there, at a place that opening it doesn't read. */
  async #readRange(storage: Storage): Promise<Outcome> {
    const file = this.#probe === null
      ? this.#large
      : { path: this.#probe.path, size: this.#probe.bytes.length };
    if (file === null) {
      return { state: "skipped", detail: `no file of more than ${TAIL_SIZE} bytes is at hand` };
    }
    let source: ByteSource | null = null;
    try {
      source = await storage.open(file.path);
      if (source === null) return { state: "mend", detail: `"${file.path}" was there and is gone` };
      const bytes = await source.read(16, 1024);
      const wanted = this.#probe?.bytes.subarray(16, 16 + 1024);
      if (wanted !== undefined && !isEqual(bytes, wanted)) {
        return { state: "mend", detail: "other bytes come back than were written" };
      }
    } catch (error) {
      const ignoresRanges = error instanceof RefusedError &&
        error.cause instanceof BodyTooLargeError;
      this.abilities.readsRanges = ignoresRanges ? false : null;
      throw error;
    } finally {
      source?.close();
    }
    this.abilities.readsRanges = true;
    return { state: "ok", detail: `1024 bytes of ${file.size}` };
  }

  /** What the store itself does against two writers of one name, without our looking before. */
  async #writeConditionally(storage: Storage): Promise<Outcome> {
    if (this.#probe === null) return { state: "skipped", detail: "nothing was written" };
    const { path } = this.#probe;
    const other = new TextEncoder().encode("another writer\n");
    try {
      await storage.put(path, sourceOf(path, other), { mustBeNew: true, skipsLook: true });
    } catch (error) {
      if (!(error instanceof TakenNameError)) throw error;
      this.abilities.writesConditionally = true;
      return { state: "ok", detail: "a file that is there isn't replaced" };
    }
    this.abilities.writesConditionally = false;
    return {
      state: "note",
      detail:
        "the store replaces a file though it was told not to: let no two commands write one " +
        "output at the same time",
    };
  }

  async #delete(storage: Storage): Promise<Outcome> {
    if (this.#probe === null) return { state: "skipped", detail: "nothing was written" };
    const { path } = this.#probe;
    try {
      await storage.deleteMany([path]);
    } catch (error) {
      if (!(error instanceof ProvgraphError)) throw error;
      return {
        state: "mend",
        detail: error.message,
        hint: `${error.hint ?? "mend the cause"}; what has "${path}" in its name in ` +
          `"${storage.root.text}" stays until somebody deletes it`,
      };
    } finally {
      // One failure is enough to tell.
      this.#leftover = null;
    }
    if (await storage.stat(path) !== null) {
      return { state: "mend", detail: `"${path}" is still there after it was deleted` };
    }
    const { bulkDelete } = storage.capabilities;
    this.abilities.bulkDelete = bulkDelete;
    return {
      state: "ok",
      detail: bulkDelete > 1
        ? `${bulkDelete} files by one request`
        : "each file by its own request",
    };
  }

  /** After a signal, a failed write, or a failure that isn't one of the store. */
  async #sweep(storage: Storage): Promise<void> {
    if (this.#leftover === null) return;
    await storage.deleteMany([this.#leftover]).catch(() => {});
    this.#leftover = null;
  }
}

function* skippedFrom(at: number, detail: string): Generator<StoreStep> {
  for (const name of STORE_STEPS.slice(at)) {
    yield { name, state: "skipped", detail, hint: null, seconds: 0 };
  }
}

function sourceOf(name: string, bytes: Uint8Array<ArrayBuffer>): ByteSource {
  return {
    name,
    size: bytes.length,
    read: (offset, length) => Promise.resolve(bytes.slice(offset, offset + length)),
    close: () => {},
  };
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
