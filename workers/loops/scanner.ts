/** What a scanner does when it is asked. @module */

import type { ScannerReply, ScannerRequest, ScanResult } from "../../lib/aggregate/messages.ts";
import { OpenedGraph, Scanner, tryReadChunkLog } from "../../lib/aggregate/scan/scanner.ts";
import type { PackedQuantumIds } from "../../lib/qg/predicted/packed_quantum_ids.ts";
import { serveRequests, type WorkerScope } from "../../lib/base/worker_loop.ts";

function buffersOf({ chunks, rows }: ScanResult): ArrayBuffer[] {
  return [chunks, rows?.bytes].flatMap((bytes) => bytes == null ? [] : [bytes.buffer]);
}

function idBuffersOf({ numbers, ids, coordinates }: PackedQuantumIds): ArrayBuffer[] {
  return [numbers.buffer, ids.buffer, coordinates.buffer];
}

/** Serves its owner. */
export function serveScanner(scope: WorkerScope): void {
  let opened: OpenedGraph | null = null;
  let scanner: Scanner | null = null;

  serveRequests<ScannerRequest, ScannerReply>(
    scope,
    async (request, reply) => {
      switch (request.kind) {
        case "prepare":
          opened = await OpenedGraph.tryOpen(request.graphPath);
          break;
        case "setup":
          scanner = await Scanner.open(request, opened);
          opened = null;
          break;
        case "ids": {
          const ids = opened?.tryReadIds(request) ?? null;
          reply({ kind: "ids", ids }, ids === null ? [] : idBuffersOf(ids));
          break;
        }
        case "chunkLog": {
          const found = tryReadChunkLog(request.path, request.index, request.indexSeed);
          reply({ kind: "chunkLog", found });
          break;
        }
        case "scan":
        case "blocked": {
          const { batch, quanta } = request;
          const result = request.kind === "scan"
            ? await scanner!.scan(batch, quanta, request.behindUnreadable)
            : await scanner!.blocked(batch, quanta);
          reply(result, buffersOf(result));
          break;
        }
        case "init": {
          const result = await scanner!.init(request.batch);
          reply(result, buffersOf(result));
          break;
        }
        case "copy": {
          const copied = scanner!.copy(
            request.share,
            request.stopFlag,
            (nQuanta) => reply({ kind: "copying", nQuanta }),
          );
          reply({ kind: "copied", copied });
          break;
        }
        case "end":
          scanner?.close();
          break;
        default:
          request satisfies never;
      }
    },
    (request) => {
      if (request.kind === "scan") scanner?.announce(request.quanta);
    },
  );
}
