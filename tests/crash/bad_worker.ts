/// <reference lib="deno.worker" />
/** A worker that does its work until a message of one kind comes; then it goes wrong. @module */

const { role, when, how } = Object.fromEntries(new URL(import.meta.url).searchParams);

// Messages may come before the module of the real worker has been loaded.
const early: MessageEvent[] = [];
self.onmessage = (event) => early.push(event);
await import(`../../workers/${role}.ts`);
const work = self.onmessage as unknown as (event: MessageEvent) => void;

function goWrong(): void {
  switch (how) {
    case "rejects":
      Promise.reject(new Error("nobody handles this"));
      break;
    case "throws":
      throw new Error("nobody catches this");
    case "throws later":
      setTimeout(() => {
        throw new Error("nobody expects this");
      }, 0);
      break;
    case "closes itself":
      self.close();
      break;
    case "exits":
      Deno.exit(0);
      break;
    case "takes all memory": {
      const hoard: unknown[] = [];
      for (;;) hoard.push(new Array(1e5).fill(hoard.length));
    }
  }
}

// After a lost message the real worker fails by itself, and on a busy machine it may do so before a later throw.
let hasLost = false;
const receive = (event: MessageEvent) => {
  if (event.data.kind === when) {
    hasLost = true;
    goWrong();
  } else if (!hasLost) work(event);
};
self.onmessage = receive;
for (const event of early) receive(event);
