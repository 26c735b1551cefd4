/**
 * Simulated runs whose files are on a server, of any size.
 *
 * @module
 */

import { join } from "node:path";
import { simulate } from "../../lib/simulate/simulate.ts";
import { type TemporaryDirectory, temporaryDirectory } from "../support/fixtures.ts";
import { context } from "../ingest/in_process.ts";
import type { Server } from "./servers.ts";

/** What is simulated. */
export interface Simulated {
  nVisits: number;
  nDetectors: number;
  failFraction?: number;
  logSize?: number;
}

/** Where on a server the files of simulated runs are. */
export const SIMULATED_ROOT = "simulated";

/** Makes `repo` and `predicted.qg`, and puts the files of the run on the server. */
export async function simulateOn(
  server: Server,
  { nVisits, nDetectors, failFraction = 0, logSize = 2000 }: Simulated,
): Promise<{ work: TemporaryDirectory; nQuanta: number }> {
  const work = await temporaryDirectory();
  const { nQuanta } = await simulate(
    {
      directory: work.path,
      nVisits,
      nDetectors,
      failFraction,
      logSize,
      seed: 1,
      isGraphOnly: false,
    },
    context(),
  );
  const tree = work.join("objects");
  Deno.mkdirSync(tree);
  for (const { name, isDirectory } of [...Deno.readDirSync(work.repo)]) {
    if (isDirectory) Deno.renameSync(join(work.repo, name), join(tree, name));
  }
  server.wipe();
  server.load(tree, SIMULATED_ROOT);
  Deno.removeSync(tree, { recursive: true });
  setRoot(work.repo, `${server.root}/${SIMULATED_ROOT}`);
  return { work, nQuanta };
}

/** Sets the root of a repository's datastore. */
export function setRoot(repository: string, root: string): void {
  const path = join(repository, "butler.yaml");
  const text = Deno.readTextFileSync(path);
  const changed = text.replace(/^( +root: ).*$/m, `$1${root}`);
  Deno.writeTextFileSync(
    path,
    changed !== text ? changed : text.replace(/^datastore:\n/m, `datastore:\n  root: ${root}\n`),
  );
}

/** Makes the datastore of a repository the first of a chain, whose second takes nothing. */
export function setChain(repository: string): void {
  const path = join(repository, "butler.yaml");
  const text = Deno.readTextFileSync(path);
  const [, root] = /^ +root: (.*)$/m.exec(text)!;
  const member = (place: string, table: string, constraints: string) =>
    "    - cls: lsst.daf.butler.datastores.fileDatastore.FileDatastore\n" +
    `      records: {table: ${table}}\n      root: ${place}\n${constraints}`;
  const chain = "datastore:\n" +
    "  cls: lsst.daf.butler.datastores.chainedDatastore.ChainedDatastore\n  datastores:\n" +
    member(root, "file_datastore_records", "") +
    member(`${root}-second`, "second_datastore_records", "      constraints: {reject: [all]}\n");
  Deno.writeTextFileSync(path, text.replace(/^datastore:\n(?: .*\n)*/m, chain));
}
