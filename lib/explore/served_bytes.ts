/**
 * Bytes that the page may read: of a graph, which stays as it is, or of a chunk log, which grows.
 *
 * @module
 */

import { NotFoundError } from "../base/errors.ts";
import type { ByteSource } from "../storage/byte_source.ts";
import { openRegularFile } from "../storage/regular_file.ts";

/** A stretch of bytes. */
interface ServedRange {
  /** Bytes of the whole file, at this moment. */
  size: number;
  /** Half-open; empty if nothing of what was asked for is there. */
  startByte: number;
  endByte: number;
  /** The bytes, in pieces. */
  pieces(): AsyncGenerator<Uint8Array<ArrayBuffer>>;
}

/** What was asked for: from a byte on, so many at most; or so many at the end. */
export type WantedRange =
  | { kind: "from"; startByte: number; endByte: number }
  | { kind: "last"; nBytes: number };

/** Something that is served. */
export interface ServedBytes {
  /** As the page shows it. */
  name: string;
  /** Whether it lies on another host. */
  isRemote: boolean;
  /** Tells whether the content is still the same; null for what grows. */
  version: string | null;
  /** @throws {NotFoundError} if it is gone. */
  range(wanted: WantedRange): Promise<ServedRange>;
  close(): void;
}

/** Bytes of a piece. */
const PIECE_SIZE = 2 ** 20;

/** A source whose content stays; closing closes it. */
export function servedSource(source: ByteSource, name: string, isRemote: boolean): ServedBytes {
  return {
    name,
    isRemote,
    // Held open: the file of that name may be replaced, and this is the old one still.
    version: `"${crypto.randomUUID()}"`,
    range: (wanted) =>
      Promise.resolve(cut(wanted, source.size, (offset, length) => source.read(offset, length))),
    close: () => source.close(),
  };
}

/** A file that is looked at anew for each request: what has the name then counts. */
export function servedGrowingFile(path: string, name: string): ServedBytes {
  return {
    name,
    isRemote: false,
    version: null,
    range: (wanted) => {
      const { file, info } = openRegularFile(path, { action: "read chunk log" });
      const range = cut(wanted, info.size, (offset, length) => {
        const bytes = new Uint8Array(length);
        file.seekSync(offset, Deno.SeekMode.Start);
        let n = 0;
        while (n < length) {
          const more = file.readSync(bytes.subarray(n));
          if (more === null) throw new NotFoundError(`Cannot read "${path}": it was cut meanwhile`);
          n += more;
        }
        return Promise.resolve(bytes);
      });
      const pieces = range.pieces;
      range.pieces = async function* () {
        try {
          yield* pieces();
        } finally {
          file.close();
        }
      };
      if (range.startByte === range.endByte) file.close();
      return Promise.resolve(range);
    },
    close: () => {},
  };
}

function cut(
  wanted: WantedRange,
  size: number,
  read: (offset: number, length: number) => Promise<Uint8Array>,
): ServedRange {
  const startByte = wanted.kind === "last"
    ? Math.max(0, size - wanted.nBytes)
    : Math.min(size, wanted.startByte);
  const endByte = wanted.kind === "last"
    ? size
    : Math.max(startByte, Math.min(size, wanted.endByte));
  return {
    size,
    startByte,
    endByte,
    async *pieces() {
      for (let at = startByte; at < endByte; at += PIECE_SIZE) {
        yield new Uint8Array(await read(at, Math.min(PIECE_SIZE, endByte - at)));
      }
    },
  };
}
