/** `ls`, `info` and `check-downstream` with a PostgreSQL registry: as with SQLite. */

import assert from "node:assert/strict";
import { expectProvgraph, fixturePath, RUN, unpackFixture } from "../support/fixtures.ts";
import { PostgresWork, sharedServer } from "./lab.ts";

const server = await sharedServer(Deno.test);

Deno.test("ls, info and check-downstream say of a PostgreSQL registry what they say of SQLite", async () => {
  await using lab = await PostgresWork.unpack(server, "aggregated");
  await using sqlite = await unpackFixture("small-mixed", "aggregated");
  const commands = [
    ["ls", "repo", "datasets", "--run", RUN, "--json"],
    ["ls", "repo", "datasets", "--run", RUN, "--where", "band = 'r' and visit = 2", "--json"],
    ["ls", "repo", "datasets", "--run", RUN, "--type", "image,calibrate_log"],
    ["info", "repo", "--run", RUN, "--json"],
    ["check-downstream", fixturePath("small-mixed", "predicted.qg"), "repo", "--run", RUN],
  ];
  const run = async (args: string[], cwd: string, code: number) =>
    (await expectProvgraph(args, { cwd, code })).stdout.replaceAll(cwd, "");
  const compare = async (command: string[]) => {
    const code = command[0] === "check-downstream" ? 3 : 0;
    const expected = await run(command, sqlite.path, code);
    assert.ok(expected.length > 20, command.join(" "));
    assert.equal(await run(command, lab.work.path, code), expected, command.join(" "));
  };
  for (const command of commands) await compare(command);
  for (const cwd of [sqlite.path, lab.work.path]) {
    await expectProvgraph(["ingest-graph", "repo", "provenance.qg"], { cwd });
  }
  await compare(["info", "repo", "--run", RUN, "--json"]);
  await compare(["ls", "repo", "quanta", "--run", RUN, "--status", "FAILED"]);
});
