/**
 * A real browser without window, driven by its debugging protocol: just enough to load a page, ask what
 * is in it and watch what it does.
 *
 * @module
 */

/** Names that Chromium has on different systems. */
const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"];
/** How long the browser may take to start, and to answer, milliseconds. */
const PATIENCE_MS = 60_000;

const HOW_TO_INSTALL = `Cannot find Chromium: none of ${NAMES.join(", ")} is on PATH
hint: "apt-get install chromium" (Debian), or set CHROMIUM to the path of one`;

/** Path of the browser. @throws {Error} that says how to install one, if there is none. */
function findChromium(): string {
  const given = Deno.env.get("CHROMIUM");
  if (given) return given;
  for (const directory of (Deno.env.get("PATH") ?? "").split(":")) {
    for (const name of NAMES) {
      try {
        if (Deno.statSync(`${directory}/${name}`).isFile) return `${directory}/${name}`;
      } catch {
        // Not there.
      }
    }
  }
  throw new Error(HOW_TO_INSTALL);
}

/** A message of the browser that nobody asked for. */
export interface BrowserEvent {
  method: string;
  params: Record<string, unknown>;
}

/** What is used of an event of a trace. */
interface TraceEvent {
  name: string;
  /** Thread. */
  tid: number;
  /** Processor time, microseconds. */
  tdur?: number;
  args?: { name?: string };
}

/** A started browser with one page. */
export class Browser implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;
  readonly #profile: string;
  readonly #stderr: Promise<void>;
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, PromiseWithResolvers<Record<string, unknown>>>();
  #nextId = 1;
  #session = "";
  #loaded: PromiseWithResolvers<void> | null = null;
  #onTrace: ((event: BrowserEvent) => void) | null = null;
  /** Events since the last {@linkcode open}. */
  events: BrowserEvent[] = [];

  private constructor(
    process: Deno.ChildProcess,
    profile: string,
    stderr: Promise<void>,
    socket: WebSocket,
  ) {
    this.#process = process;
    this.#profile = profile;
    this.#stderr = stderr;
    this.#socket = socket;
    socket.onmessage = ({ data }) => this.#receive(JSON.parse(data));
  }

  /** Starts Chromium with a new profile. */
  static async start(): Promise<Browser> {
    const path = findChromium();
    const profile = await Deno.makeTempDir({ prefix: "provgraph-test-chromium-" });
    const process = new Deno.Command(path, {
      args: [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        // Names of hosts elsewhere, which are here.
        "--host-resolver-rules=MAP *.example 127.0.0.1",
        `--user-data-dir=${profile}`,
        "--remote-debugging-port=0",
        "about:blank",
      ],
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    const address = Promise.withResolvers<string>();
    const timer = setTimeout(() => {
      address.reject(new Error(`Cannot use "${path}": it doesn't say where it listens`));
    }, PATIENCE_MS);
    const stderr = readAddress(process.stderr, address);
    try {
      const socket = new WebSocket(await address.promise);
      const opened = Promise.withResolvers<void>();
      socket.onopen = () => opened.resolve();
      socket.onerror = () => opened.reject(new Error(`Cannot talk to "${path}"`));
      await opened.promise;
      const browser = new Browser(process, profile, stderr, socket);
      await browser.#attach();
      return browser;
    } catch (error) {
      process.kill("SIGKILL");
      await process.status;
      await stderr;
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  async #attach(): Promise<void> {
    const { targetId } = await this.send("Target.createTarget", { url: "about:blank" });
    const { sessionId } = await this.send("Target.attachToTarget", { targetId, flatten: true });
    this.#session = sessionId as string;
    for (const domain of ["Page", "Runtime", "Log", "Network"]) await this.send(`${domain}.enable`);
  }

  /** Sends a command of the protocol and waits for its result. */
  async send(
    method: string,
    params: Record<string, unknown> = {},
  ): Promise<Record<string, unknown>> {
    const id = this.#nextId++;
    const answer = Promise.withResolvers<Record<string, unknown>>();
    this.#waiting.set(id, answer);
    const sessionId = this.#session === "" ? {} : { sessionId: this.#session };
    this.#socket.send(JSON.stringify({ id, method, params, ...sessionId }));
    const timer = setTimeout(
      () => answer.reject(new Error(`Cannot go on: no answer to ${method}`)),
      PATIENCE_MS,
    );
    try {
      return await answer.promise;
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(id);
    }
  }

  /** Loads a page and waits until it is complete. */
  async open(url: string): Promise<void> {
    this.events = [];
    const loaded = this.#loaded = Promise.withResolvers<void>();
    const timer = setTimeout(
      () => loaded.reject(new Error(`Cannot load ${url}: it isn't complete`)),
      PATIENCE_MS,
    );
    try {
      await this.send("Page.navigate", { url });
      await loaded.promise;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Value of an expression in the page; promises are awaited. */
  async evaluate<T>(expression: string): Promise<T> {
    const { result, exceptionDetails } = await this.send("Runtime.evaluate", {
      expression,
      awaitPromise: true,
      returnByValue: true,
    }) as { result: { value: T }; exceptionDetails?: unknown };
    if (exceptionDetails !== undefined) {
      throw new Error(`Cannot evaluate in page: ${JSON.stringify(exceptionDetails)}`);
    }
    return result.value;
  }

  /** Waits until an expression in the page is true. @throws {Error} that tells what the page shows instead. */
  async until(expression: string): Promise<void> {
    const isTrue = await this.evaluate<boolean>(`new Promise((resolve) => {
      const end = performance.now() + 30_000;
      const look = () => {
        if (${expression}) resolve(true);
        else if (performance.now() > end) resolve(false);
        else setTimeout(look, 20);
      };
      look();
    })`);
    if (isTrue) return;
    const text = await this.evaluate<string>("document.body.innerText");
    throw new Error(`It is never true that ${expression}; the page shows:\n${text.slice(0, 2000)}`);
  }

  /** Sets the size of the window, and what the page is told of its surroundings. */
  async emulate(
    { width = 1280, height = 900, scheme = "light", media = "screen" }: {
      width?: number;
      height?: number;
      scheme?: "light" | "dark";
      media?: "screen" | "print";
    },
  ): Promise<void> {
    await this.send("Emulation.setDeviceMetricsOverride", {
      width,
      height,
      deviceScaleFactor: 1,
      mobile: false,
    });
    await this.send("Emulation.setEmulatedMedia", {
      media,
      features: [{ name: "prefers-color-scheme", value: scheme }],
    });
  }

  /**
   * Processor time of the longest piece of work that the page's main thread does during `act`, milliseconds: what
   * it would hold up a page that has the machine for itself, however busy this one is.
   */
  async longestTask(act: () => Promise<void>): Promise<number> {
    const traced: TraceEvent[] = [];
    const complete = Promise.withResolvers<void>();
    this.#onTrace = ({ method, params }) => {
      if (method === "Tracing.dataCollected") {
        for (const event of params.value as TraceEvent[]) traced.push(event);
      } else if (method === "Tracing.tracingComplete") complete.resolve();
    };
    const traceConfig = { includedCategories: ["toplevel"] };
    await this.send("Tracing.start", { transferMode: "ReportEvents", traceConfig });
    await act();
    await this.send("Tracing.end");
    await complete.promise;
    this.#onTrace = null;
    const threads = new Set(
      traced.filter(({ args }) => args?.name === "CrRendererMain").map(({ tid }) => tid),
    );
    const tasks = traced.filter(({ name, tid, tdur }) =>
      name.endsWith("RunTask") && threads.has(tid) && tdur !== undefined
    );
    if (tasks.length === 0) throw new Error("Cannot tell how long tasks took: none was traced");
    return Math.max(...tasks.map(({ tdur }) => tdur!)) / 1000;
  }

  #receive(message: {
    id?: number;
    method?: string;
    params?: Record<string, unknown>;
    result?: Record<string, unknown>;
    error?: { message: string };
  }): void {
    if (message.id === undefined) {
      if (message.method === "Page.loadEventFired") this.#loaded?.resolve();
      if (message.method?.startsWith("Tracing.")) {
        this.#onTrace?.({ method: message.method, params: message.params ?? {} });
        return;
      }
      this.events.push({ method: message.method ?? "", params: message.params ?? {} });
      return;
    }
    const answer = this.#waiting.get(message.id);
    if (message.error !== undefined) answer?.reject(new Error(message.error.message));
    else answer?.resolve(message.result ?? {});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = Promise.withResolvers<void>();
    this.#socket.onclose = () => closed.resolve();
    this.#session = "";
    await this.send("Browser.close");
    await this.#process.status;
    await closed.promise;
    await this.#stderr;
    await Deno.remove(this.#profile, { recursive: true });
  }
}

/** The browser says on stderr where it listens; what else it says is read and dropped. */
async function readAddress(
  stderr: ReadableStream<Uint8Array<ArrayBuffer>>,
  address: PromiseWithResolvers<string>,
): Promise<void> {
  let text = "";
  for await (const part of stderr.pipeThrough(new TextDecoderStream())) {
    if (text.length < 65536) text += part;
    const match = /DevTools listening on (ws:\S+)\r?\n/.exec(text);
    if (match !== null) address.resolve(match[1]);
  }
  address.reject(new Error(`Cannot start Chromium: ${text.trim().slice(-2000)}`));
}
