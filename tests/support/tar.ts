/**
 * A small reader of tar archives: enough for the fixtures and for what GNU tar and Python write.
 *
 * @module
 */

import { gunzipSync } from "node:zlib";
import { dirname, join } from "node:path";

const RECORD = 512;
const decoder = new TextDecoder("utf-8", { fatal: true });

/** One member of an archive. */
export interface TarEntry {
  path: string;
  type: "file" | "directory" | "symlink";
  mode: number;
  /** Seconds since 1970. */
  mtime: number;
  linkTarget: string;
  data: Uint8Array;
}

function text(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return decoder.decode(end < 0 ? bytes : bytes.subarray(0, end));
}

function number(bytes: Uint8Array): number {
  // GNU writes numbers that don't fit as big-endian binary with the first bit set.
  if (bytes[0] & 0x80) return bytes.subarray(1).reduce((sum, b) => sum * 256 + b, 0);
  return parseInt(text(bytes).trim() || "0", 8);
}

function paxFields(data: Uint8Array): Map<string, string> {
  const fields = new Map<string, string>();
  for (let at = 0; at < data.length;) {
    const length = parseInt(text(data.subarray(at, at + 20)), 10);
    if (!(length > 0)) throw new Error(`Cannot read tar: bad extended header at byte ${at}`);
    const line = decoder.decode(data.subarray(at, at + length - 1));
    const keyStart = line.indexOf(" ") + 1;
    const equals = line.indexOf("=");
    fields.set(line.slice(keyStart, equals), line.slice(equals + 1));
    at += length;
  }
  return fields;
}

/** Sum of a header's bytes, its own eight taken for blanks. */
function checksum(header: Uint8Array): number {
  let sum = 8 * 32;
  for (let i = 0; i < RECORD; i++) if (i < 148 || i >= 156) sum += header[i];
  return sum;
}

/** Members of an uncompressed archive, in its order. */
export function* tarEntries(archive: Uint8Array): Generator<TarEntry> {
  let longName: string | undefined;
  let longLink: string | undefined;
  let pax = new Map<string, string>();
  for (let at = 0; at + RECORD <= archive.length;) {
    const header = archive.subarray(at, at + RECORD);
    if (header[0] === 0) return;
    if (checksum(header) !== number(header.subarray(148, 156))) {
      throw new Error(`Cannot read tar: checksum of the header at byte ${at} does not match`);
    }
    const size = Number(pax.get("size") ?? number(header.subarray(124, 136)));
    const data = archive.subarray(at + RECORD, at + RECORD + size);
    if (data.length !== size) throw new Error(`Cannot read tar: it ends inside a member`);
    at += RECORD + Math.ceil(size / RECORD) * RECORD;
    const kind = String.fromCharCode(header[156] || 48);
    if (kind === "L") longName = text(data);
    else if (kind === "K") longLink = text(data);
    else if (kind === "x") pax = paxFields(data);
    else if (kind === "g") continue;
    else {
      const isUstar = text(header.subarray(257, 263)) === "ustar";
      const prefix = isUstar ? text(header.subarray(345, 500)) : "";
      const name = text(header.subarray(0, 100));
      const types = { "0": "file", "5": "directory", "2": "symlink" } as const;
      const type = types[kind as keyof typeof types];
      if (type === undefined) {
        throw new Error(`Cannot read tar: member type "${kind}" of "${name}"`);
      }
      yield {
        path: (pax.get("path") ?? longName ?? (prefix ? `${prefix}/${name}` : name))
          .replace(/\/+$/, ""),
        type,
        mode: number(header.subarray(100, 108)),
        mtime: Number(pax.get("mtime") ?? number(header.subarray(136, 148))),
        linkTarget: pax.get("linkpath") ?? longLink ?? text(header.subarray(157, 257)),
        data,
      };
      longName = longLink = undefined;
      pax = new Map();
    }
  }
}

/** Writes the members of an archive below a directory, with times, modes and symbolic links. */
export function extractTar(archive: Uint8Array, into: string): void {
  const made = new Set<string>();
  const makeDirectory = (path: string) => {
    if (made.has(path)) return;
    Deno.mkdirSync(path, { recursive: true });
    made.add(path);
  };
  const directories: TarEntry[] = [];
  for (const entry of tarEntries(archive)) {
    if (entry.path.startsWith("/") || entry.path.split("/").includes("..")) {
      throw new Error(`Cannot extract "${entry.path}": it would leave the directory`);
    }
    const path = join(into, entry.path);
    makeDirectory(entry.type === "directory" ? path : dirname(path));
    if (entry.type === "directory") {
      directories.push(entry);
    } else if (entry.type === "symlink") {
      Deno.symlinkSync(entry.linkTarget, path);
    } else {
      Deno.writeFileSync(path, entry.data, { mode: entry.mode & 0o777 });
      Deno.utimeSync(path, entry.mtime, entry.mtime);
    }
  }
  // Last, and deepest first: writing a file changes the time of its directory.
  for (const entry of directories.reverse()) {
    const path = join(into, entry.path);
    Deno.chmodSync(path, entry.mode & 0o777);
    Deno.utimeSync(path, entry.mtime, entry.mtime);
  }
}

/** Extracts a `.tar.gz` file. */
export function extractTarGz(path: string, into: string): void {
  extractTar(gunzipSync(Deno.readFileSync(path)), into);
}
