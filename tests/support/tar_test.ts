import assert from "node:assert/strict";
import { extractTar, tarEntries, type TarEntry } from "./tar.ts";
import { copyOf, expectProvgraph, temporaryDirectory } from "./fixtures.ts";

interface Header {
  name: string;
  kind: string;
  data?: string;
  link?: string;
  prefix?: string;
}

/** An archive in memory: headers as POSIX describes them. */
function archive(...members: Header[]): Uint8Array {
  const encoder = new TextEncoder();
  const blocks: Uint8Array[] = [];
  for (const { name, kind, data = "", link = "", prefix = "" } of members) {
    const header = new Uint8Array(512);
    const put = (text: string, at: number) => header.set(encoder.encode(text), at);
    const body = encoder.encode(data);
    put(name, 0);
    put("0000640\0", 100);
    put(body.length.toString(8).padStart(11, "0"), 124);
    put((1_700_000_000).toString(8).padStart(11, "0"), 136);
    put("        ", 148);
    put(kind, 156);
    put(link, 157);
    put("ustar\0" + "00", 257);
    put(prefix, 345);
    const sum = header.reduce((s, b) => s + b, 0);
    put(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
    const padded = new Uint8Array(Math.ceil(body.length / 512) * 512);
    padded.set(body);
    blocks.push(header, padded);
  }
  blocks.push(new Uint8Array(1024));
  const result = new Uint8Array(blocks.reduce((n, b) => n + b.length, 0));
  let at = 0;
  for (const block of blocks) {
    result.set(block, at);
    at += block.length;
  }
  return result;
}

const long = `${"d/".repeat(80)}ü.txt`;

Deno.test("tarEntries() reads long names in all three forms", () => {
  const entries = [...tarEntries(archive(
    { name: "././@LongLink", kind: "L", data: `${long}\0` },
    { name: "cut", kind: "0", data: "one" },
    { name: "b.txt", kind: "0", prefix: "a", data: "two" },
    { name: "pax", kind: "x", data: "15 path=p/x.txt\n".replace("15", "16") },
    { name: "cut", kind: "0", data: "three" },
  ))];
  const shown = (entry: TarEntry) => [entry.path, new TextDecoder().decode(entry.data)];
  assert.deepEqual(entries.map(shown), [[long, "one"], ["a/b.txt", "two"], ["p/x.txt", "three"]]);
});

Deno.test("extractTar() keeps links, modes and times, and copyOf() does too", async () => {
  await using work = await temporaryDirectory();
  extractTar(
    archive(
      { name: "top/", kind: "5" },
      { name: "top/file", kind: "0", data: "content" },
      { name: "top/link", kind: "2", link: "file" },
    ),
    work.path,
  );
  for (const link of [false, true]) {
    await using copy = await copyOf(work, { link });
    assert.equal(Deno.readLinkSync(copy.join("top/link")), "file");
    const { mode, mtime } = Deno.statSync(copy.join("top/file"));
    assert.equal(mode! & 0o777, 0o640);
    assert.equal(mtime!.getTime(), 1_700_000_000_000);
  }
});

Deno.test("extractTar() refuses when a member would leave the directory", async () => {
  await using work = await temporaryDirectory();
  for (const name of ["../out", "/out", "a/../../out"]) {
    assert.throws(() => extractTar(archive({ name, kind: "0" }), work.path), /would leave/);
  }
});

Deno.test("tarEntries() throws when the archive is damaged or cut", () => {
  const whole = archive({ name: "a", kind: "0", data: "x".repeat(2000) });
  assert.throws(() => [...tarEntries(whole.slice(0, 1024))], /ends inside/);
  whole[0] ^= 1;
  assert.throws(() => [...tarEntries(whole)], /checksum/);
});

Deno.test("expectProvgraph() shows both outputs when the exit code is another", async () => {
  await assert.rejects(
    expectProvgraph(["-c", "echo out; echo err >&2; exit 3"], { binary: "/bin/sh", cwd: "/" }),
    /exit code 3[\s\S]*out[\s\S]*err/,
  );
});
