/** Servers that say nothing, stop in the middle, or drip. */

import assert from "node:assert/strict";
import { openClients } from "../../../lib/storage/remote/http_clients.ts";
import { HttpTransport, type TransportRules } from "../../../lib/storage/remote/http_transport.ts";

const NO_CERTIFICATES = { authorities: [], client: null };
/** Waits between tries take no time. */
const CHANCE = { sleep: () => Promise.resolve(), random: () => 0 };

/** Asks a server for up to 100 bytes. */
async function ask(
  answer: (n: number, stop: AbortSignal) => Response | Promise<Response>,
  rules: Partial<TransportRules>,
): Promise<{ text: string; nRequests: number }> {
  const stop = new AbortController();
  let n = 0;
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    () => answer(++n, stop.signal),
  );
  const { port } = server.addr as Deno.NetAddr;
  using transport = new HttpTransport(openClients(NO_CERTIFICATES), {
    chance: CHANCE,
    rules: { nTries: 2, ...rules },
  });
  const request = { method: "GET", url: `http://127.0.0.1:${port}/x`, headers: {} };
  try {
    const { body } = await transport.send({
      what: 'read "x"',
      make: () => request,
      isRepeatable: true,
      maxBody: 100,
      followsRedirects: false,
    });
    return { text: new TextDecoder().decode(body), nRequests: n };
  } finally {
    stop.abort();
    await server.shutdown();
  }
}

function untilStopped(stop: AbortSignal): Promise<void> {
  return new Promise((resolve) => stop.addEventListener("abort", () => resolve(), { once: true }));
}

/** Sends a beginning, and then nothing until the test ends. */
function stalled(stop: AbortSignal): Response {
  const body = new ReadableStream({
    async start(controller) {
      controller.enqueue(new TextEncoder().encode("beginning"));
      await untilStopped(stop);
      controller.close();
    },
  });
  return new Response(body);
}

/** Sends a byte again and again. */
function dripping(nBytes: number, stop: AbortSignal): Response {
  let n = 0;
  const body = new ReadableStream({
    async pull(controller) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      if (n++ === nBytes || stop.aborted) return controller.close();
      controller.enqueue(new TextEncoder().encode("."));
    },
  });
  return new Response(body);
}

const options = { sanitizeResources: false, sanitizeOps: false };

Deno.test({
  name: "a server that never answers ends in one clear error",
  ...options,
  fn: async () => {
    const silent = async (_: number, stop: AbortSignal) => {
      await untilStopped(stop);
      return new Response();
    };
    await assert.rejects(
      ask(silent, { answerMs: 100 }),
      (error: Error & { exitCode: number; hint: string }) => {
        assert.match(error.message, /Cannot read "x": no answer comes, in each of 2 tries/);
        assert.equal(error.exitCode, 1);
        assert.match(error.hint, /run the same command again/);
        return true;
      },
    );
  },
});

Deno.test({
  name: "a body that stops in the middle is asked for again",
  ...options,
  fn: async () => {
    const once = (n: number, stop: AbortSignal) => n === 1 ? stalled(stop) : new Response("whole");
    const { text, nRequests } = await ask(once, { pieceMs: 100 });
    assert.deepEqual([text, nRequests], ["whole", 2]);
  },
});

Deno.test({
  name: "a body of known size that stops in the middle is asked for again",
  ...options,
  fn: async () => {
    const once = (n: number, stop: AbortSignal) =>
      n === 1
        ? new Response(stalled(stop).body, { headers: { "content-length": "50" } })
        : new Response("whole");
    const { text, nRequests } = await ask(once, { pieceMs: 100 });
    assert.deepEqual([text, nRequests], ["whole", 2]);
  },
});

Deno.test({
  name: "a body that always stops in the middle ends in one clear error",
  ...options,
  fn: async () => {
    await assert.rejects(
      ask((_, stop) => stalled(stop), { pieceMs: 100 }),
      /Cannot read "x": the answer doesn't go on, in each of 2 tries/,
    );
  },
});

Deno.test({
  name: "a body that drips is read to its end",
  ...options,
  fn: async () => {
    const { text, nRequests } = await ask((_, stop) => dripping(40, stop), {});
    assert.deepEqual([text, nRequests], [".".repeat(40), 1]);
  },
});

Deno.test({
  name: "a body that drips without end is given up",
  ...options,
  fn: async () => {
    await assert.rejects(
      ask((_, stop) => dripping(Infinity, stop), { wholeMs: 150 }),
      /Cannot read/,
    );
  },
});
