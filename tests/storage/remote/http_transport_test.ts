/** What becomes of requests that fail; the server is a script, and time does not pass. */

import assert from "node:assert/strict";
import { EnvironmentError } from "../../../lib/base/errors.ts";
import {
  BodyTooLargeError,
  type Fetch,
  HttpTransport,
  LostAnswerError,
  type Sending,
} from "../../../lib/storage/remote/http_transport.ts";
import { RequestWindow } from "../../../lib/storage/remote/request_window.ts";

type Step = number | Error | (() => Response);

/** A transport whose requests get these answers one after the other; the last one again and again. */
function scripted(steps: readonly Step[]) {
  const sent: string[] = [];
  const waits: number[] = [];
  let at = 0;
  const fetchAs = (kind: string): Fetch => (url, init) => {
    sent.push(`${kind} ${init.method} ${url}`);
    const step = steps[Math.min(at++, steps.length - 1)];
    if (step instanceof Error) return Promise.reject(step);
    return Promise.resolve(
      typeof step === "number"
        ? new Response(step === 204 ? null : `status ${step}`, { status: step })
        : step(),
    );
  };
  const window = new RequestWindow(64, 8, () => 1e6 * sent.length);
  const transport = new HttpTransport(
    { kept: fetchAs("kept"), fresh: fetchAs("fresh"), close: () => {} },
    {
      window,
      chance: {
        random: () => 1,
        sleep: (ms) => {
          waits.push(ms);
          return Promise.resolve();
        },
      },
    },
  );
  return { transport, sent, waits };
}

function sending(change: Partial<Sending> = {}): Sending {
  return {
    what: 'read "s3://b/k"',
    make: (to) => ({ method: "GET", url: to ?? "https://store.example/b/k", headers: {} }),
    isRepeatable: true,
    maxBody: 1000,
    followsRedirects: true,
    ...change,
  };
}

const RESET = new TypeError("connection reset by peer");
const cut = () =>
  new Response(
    new ReadableStream({
      start(controller) {
        controller.enqueue(new Uint8Array(3));
        controller.error(RESET);
      },
    }),
    { status: 200, headers: { "content-length": "5" } },
  );
/** All that was told comes, then the connection breaks. */
const late = () =>
  new Response(
    new ReadableStream({
      start: (controller) => controller.enqueue(new TextEncoder().encode("whole")),
      pull: (controller) => controller.error(RESET),
    }),
    { status: 200, headers: { "content-length": "5" } },
  );
const short = () => new Response("abc", { status: 200, headers: { "content-length": "5" } });

for (
  const [name, steps, nSent] of [
    ["status 500", [500, 200], 2],
    ["status 502", [502, 200], 2],
    ["status 503", [503, 200], 2],
    ["status 504", [504, 504, 200], 3],
    ["status 429", [429, 200], 2],
    ["a reset before the answer", [RESET, 200], 2],
    ["a reset in the body", [cut, 200], 2],
    ["a body that is too short", [short, 200], 2],
    ["nine times too busy", [503, 503, 503, 503, 503, 503, 503, 503, 503, 200], 10],
  ] as const
) {
  Deno.test(`a request is sent again after ${name}`, async () => {
    const { transport, sent } = scripted(steps as readonly Step[]);
    const answer = await transport.send(sending());
    assert.equal(new TextDecoder().decode(answer.body), "status 200");
    assert.equal(sent.length, nSent);
  });
}

Deno.test("a reset after the body does no harm", async () => {
  const { transport, sent } = scripted([late, () => new Response("whole")]);
  const { body } = await transport.send(sending());
  assert.equal(new TextDecoder().decode(body), "whole");
  assert.ok(sent.length <= 2);
});

Deno.test("in a storm of 503 all requests get through, by fewer at a time", async () => {
  const storm = Array.from({ length: 150 }, (_, i) => i % 3 === 2 ? 200 : 503);
  const { transport } = scripted([...storm, 200]);
  const answers = await Promise.all(
    Array.from({ length: 100 }, () => transport.send(sending())),
  );
  assert.deepEqual(answers.filter(({ status }) => status !== 200), []);
  assert.ok(transport.windowSize < 16, String(transport.windowSize));
});

for (const status of [200, 204, 206, 301, 400, 401, 403, 404, 409, 412, 416, 423, 507]) {
  Deno.test(`an answer with status ${status} is given back at once`, async () => {
    const { transport, sent } = scripted([status]);
    assert.equal((await transport.send(sending())).status, status);
    assert.equal(sent.length, 1);
  });
}

for (
  const [name, step, nTries, text] of [
    ["500", 500, 5, /answers 500.*5 tries/],
    ["503", 503, 10, /answers 503.*10 tries/],
    ["resets", RESET, 6, /connection reset.*5 tries/],
    ["bodies that are cut", cut, 5, /connection reset.*5 tries/],
  ] as const
) {
  Deno.test(`${name} in every try end in one clear error`, async () => {
    const { transport, sent } = scripted([step]);
    await assert.rejects(transport.send(sending()), (error) => {
      assert.ok(error instanceof EnvironmentError);
      assert.match(error.message, /^Cannot read "s3:\/\/b\/k"/);
      assert.match(error.message, text);
      return true;
    });
    assert.equal(sent.length, nTries);
  });
}

Deno.test("a kept connection that broke is tried again on a new one at once", async () => {
  const { transport, sent, waits } = scripted([RESET, 200]);
  await transport.send(sending());
  assert.deepEqual(sent.map((text) => text.split(" ")[0]), ["kept", "fresh"]);
  assert.deepEqual(waits, []);
});

Deno.test("what must not be done twice is sent once, on a new connection", async () => {
  const { transport, sent } = scripted([RESET, 200]);
  await assert.rejects(transport.send(sending({ isRepeatable: false })), LostAnswerError);
  assert.deepEqual(sent, ["fresh GET https://store.example/b/k"]);
});

Deno.test("waits grow, and Retry-After is kept to", async () => {
  const busy = () => new Response("", { status: 503, headers: { "retry-after": "7" } });
  const { transport, waits } = scripted([503, 503, busy, 200]);
  await transport.send(sending());
  assert.deepEqual(waits.slice(0, 2), [400, 800]);
  assert.ok(waits[2] >= 7000, String(waits[2]));
});

Deno.test("the window is doubled by each round trip, halved by overload, then grows slowly", () => {
  let now = 0;
  const window = new RequestWindow(64, 8, () => now);
  const one = async (outcome: "ok" | "overload", tookMs = 10) => {
    await window.begin();
    window.end(outcome, tookMs);
  };
  return (async () => {
    for (let i = 0; i < 8; i++) await one("ok");
    assert.equal(window.size, 16);
    for (let i = 0; i < 16; i++) await one("ok", 30);
    assert.equal(window.size, 17, "more would only wait");
    for (let i = 0; i < 60; i++) await one("ok");
    assert.equal(window.size, 64);
    now = 1000;
    await one("overload");
    assert.equal(window.size, 32);
    await one("overload");
    assert.equal(window.size, 32, "those under way together halve it once");
    for (let i = 0; i < 32; i++) await one("ok");
    assert.equal(window.size, 33, "what was too much once is come near to slowly");
    now = 2000;
    for (let i = 0; i < 9; i++) {
      await one("overload");
      now += 1000;
    }
    assert.equal(window.size, 1);
  })();
});

Deno.test("no more requests than the window has room for are under way", async () => {
  const window = new RequestWindow(3, 3);
  let nUnderWay = 0;
  let most = 0;
  await Promise.all(Array.from({ length: 20 }, async () => {
    await window.begin();
    most = Math.max(most, ++nUnderWay);
    await Promise.resolve();
    nUnderWay--;
    window.end("other", 1);
  }));
  assert.equal(most, 3);
});

Deno.test("redirects are followed three times, and never from https to http", async () => {
  const to = (url: string) => () => new Response(null, { status: 307, headers: { location: url } });
  const good = scripted([to("https://pool.example/x"), 200]);
  assert.equal((await good.transport.send(sending())).url, "https://pool.example/x");
  const weaker = scripted([to("http://pool.example/x"), 200]);
  assert.equal((await weaker.transport.send(sending())).status, 307);
  const circle = scripted([to("/b/k")]);
  assert.equal((await circle.transport.send(sending())).status, 307);
  assert.equal(circle.sent.length, 4);
});

Deno.test("no more of a body is read than asked for", async () => {
  const { transport } = scripted([() => new Response("x".repeat(1001), { status: 200 })]);
  await assert.rejects(transport.send(sending()), BodyTooLargeError);
});

Deno.test("secrets in URLs and bodies are in no message", async () => {
  const { transport } = scripted([
    new TypeError(
      "error sending request for https://user:hushhush@h/x?X-Amz-Signature=abcdef&authz=zzzzzz",
    ),
  ]);
  await assert.rejects(transport.send(sending()), (error: Error) => {
    assert.doesNotMatch(error.message, /hushhush|abcdef|zzzzzz/);
    return true;
  });
});
