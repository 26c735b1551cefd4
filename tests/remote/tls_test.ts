/** WebDAV over TLS with an authority of one's own and a bearer token, on a real server. */

import assert from "node:assert/strict";
import { openStorage } from "../../lib/storage/remote/open_storage.ts";
import { MemorySource } from "../support/sources.ts";
import { temporaryDirectory } from "../support/fixtures.ts";
import { environmentOf, startWebDav, stopServers } from "./servers.ts";

const TOKEN = "sesame-never-to-be-shown";
const server = startWebDav("apache", { WEBDAV_TLS: "1", WEBDAV_TOKEN: TOKEN });

/** A configuration file with these lines for a server. */
function configured(root: string, path: string, ...lines: string[]) {
  const entry = [`- base_url: ${root}/`, ...lines.map((line) => `  ${line}`)];
  Deno.writeTextFileSync(path, `${entry.join("\n")}\n`, { mode: 0o600 });
  return environmentOf({ LSST_RESOURCES_WEBDAV_CONFIG: path });
}

if (typeof server === "string") console.log(`skipped: WebDAV with TLS: ${server}`);
else {
  const test = (title: string, fn: () => Promise<void>) =>
    Deno.test({
      name: `WebDAV over TLS: ${title}`,
      sanitizeResources: false,
      sanitizeOps: false,
      fn,
    });
  const bytes = new TextEncoder().encode("content");

  const authority = `trusted_authorities: ${server.folder}/tls/ca.pem`;

  test("files are stored, read, listed and deleted with the server's own configuration", async () => {
    using storage = await openStorage(`${server.root}/tls`, { env: server.env });
    await storage.put("d/a", new MemorySource(bytes), { mustBeNew: true });
    assert.deepEqual((await storage.readWhole("d/a", 100))!.bytes, bytes);
    const paths = (await Array.fromAsync(storage.list(""))).map(({ path }) => path);
    assert.deepEqual(paths, ["d/a"]);
    assert.deepEqual(await storage.deleteMany(["d/a"]), { nDeleted: 1, nAbsent: 0 });
  });

  test("a token that is renewed in its file is used at once", async () => {
    await using work = await temporaryDirectory();
    const file = work.join("token");
    const write = (token: string) => Deno.writeTextFileSync(file, `${token}\n`, { mode: 0o600 });
    write(TOKEN);
    const env = configured(server.root, work.join("webdav.yaml"), `token: ${file}`, authority);
    using storage = await openStorage(`${server.root}/renewed`, { env });
    await storage.put("a", new MemorySource(bytes), { mustBeNew: false });
    write("expired");
    await assert.rejects(storage.readWhole("a", 100), (error: Error & { exitCode: number }) => {
      assert.match(
        error.message,
        /answers 40[13]; what identifies us is the token in ".*webdav.yaml"/,
      );
      assert.doesNotMatch(error.message, /sesame|expired/);
      assert.equal(error.exitCode, 1);
      return true;
    });
    write(TOKEN);
    assert.deepEqual((await storage.readWhole("a", 100))!.bytes, bytes);
  });

  test("a wrong token is refused before anything is done, with exit code 2", async () => {
    await using work = await temporaryDirectory();
    const env = configured(server.root, work.join("webdav.yaml"), "token: wrong", authority);
    await assert.rejects(
      openStorage(`${server.root}/tls`, { env }),
      (error: Error & { exitCode: number }) => {
        assert.match(error.message, /40[13]; what identifies us is the token/);
        assert.equal(error.exitCode, 2);
        return true;
      },
    );
  });

  test("a server of an unknown authority isn't trusted", async () => {
    await using work = await temporaryDirectory();
    const env = configured(server.root, work.join("webdav.yaml"), `token: ${TOKEN}`);
    await assert.rejects(openStorage(`${server.root}/tls`, { env }), (error: Error) => {
      assert.match(
        error.message,
        /Cannot ask WebDAV server ".*": .*peer certificate: UnknownIssuer$/,
      );
      assert.match((error as Error & { hint: string }).hint, /trusted_authorities/);
      assert.doesNotMatch(error.message, /sesame/);
      return true;
    });
  });
}

Deno.test.afterAll(stopServers);
