/**
 * Test files that share one thread, so that the program is loaded and becomes fast once for all of them and
 * not anew in each.
 *
 * Each file finds its own world all the same: what it hangs on `Deno.test.afterAll` runs behind its last
 * test and not behind that of the last file, and passwords that others have read are forgotten.
 *
 * @module
 */

import { forgetSecrets } from "../../lib/base/text/secrets.ts";

const PROJECT_URL = new URL("../../", import.meta.url).href;

/** What no file needs so far. */
const NOT_FOR_GROUPS = ["afterEach", "beforeAll", "beforeEach", "ignore", "only"];

type Hook = () => void | Promise<void>;
type TestFunction = (t: Deno.TestContext) => void | Promise<void>;

/** Tests of one file, and what comes behind them. */
class FileScope {
  readonly #hooks: Hook[] = [];
  readonly #onFailure: (name: string, place: string) => void;
  #nTests = 0;
  #nDone = 0;

  constructor(onFailure: (name: string, place: string) => void) {
    this.#onFailure = onFailure;
  }

  /**
   * Counts a test that will run.
   *
   * @param place where it stands in its file.
   * @returns it, as it has to run.
   */
  add(test: TestFunction, place: string): TestFunction {
    this.#nTests++;
    const run = (t: Deno.TestContext) => this.#run(test, t, place);
    // Deno takes a function's name for a test without one.
    return { [test.name]: (t: Deno.TestContext) => run(t) }[test.name];
  }

  async #run(test: TestFunction, t: Deno.TestContext, place: string): Promise<void> {
    if (this.#nDone === 0) forgetSecrets();
    try {
      try {
        await test(t);
      } finally {
        if (++this.#nDone === this.#nTests) await this.#leave();
      }
    } catch (error) {
      this.#onFailure(t.name, place);
      throw error;
    }
  }

  /** Adds a hook, that runs before those that were added earlier. */
  afterAll(hook: Hook): void {
    this.#hooks.unshift(hook);
  }

  async #leave(): Promise<void> {
    for (const hook of this.#hooks) await hook();
  }
}

/** Whether a test with these options is left out. */
function isLeftOut(options: readonly unknown[]): boolean {
  return options.some((option) =>
    typeof option === "object" && option !== null && "ignore" in option && option.ignore === true
  );
}

/** `FILE:LINE:COLUMN` of what called the caller of this. */
function callerPlace(): string {
  const [, , , line = ""] = new Error().stack?.split("\n") ?? [];
  return line.trim().replace(/^at (?:.*\()?/, "").replace(/\)$/, "").replace(PROJECT_URL, "./");
}

/** `Deno.test` for one file. */
function testOf(scope: FileScope, test: typeof Deno.test): typeof Deno.test {
  const add = (...given: unknown[]): void => {
    const place = callerPlace();
    const change = (part: unknown): unknown => {
      if (typeof part === "function") return scope.add(part as TestFunction, place);
      if (typeof part !== "object" || part === null || !("fn" in part)) return part;
      return { ...part, fn: scope.add(part.fn as TestFunction, place) };
    };
    (test as (...given: unknown[]) => void)(...isLeftOut(given) ? given : given.map(change));
  };
  const refuse = (name: string) => () => {
    throw new Error(`Deno.test.${name} isn't known to groups of test files (test_group.ts)`);
  };
  return Object.assign(add, {
    afterAll: (hook: Hook) => scope.afterAll(hook),
    ...Object.fromEntries(NOT_FOR_GROUPS.map((name) => [name, refuse(name)])),
  }) as unknown as typeof Deno.test;
}

/**
 * Imports test files, one after another.
 *
 * A file that can't be imported is a test that fails; others run.
 *
 * @param files URLs of them.
 * @param places file that gets a line `NAME => FILE:LINE:COLUMN` for each test that fails: Deno takes all
 * for tests of this module.
 */
export async function importTests(files: readonly string[], places: string): Promise<void> {
  const tell = (name: string, place: string) =>
    Deno.writeTextFileSync(places, `${name} => ${place}\n`, { append: true });
  const here = Deno as { test: typeof Deno.test };
  const { test } = here;
  try {
    for (const file of files) {
      here.test = testOf(new FileScope(tell), test);
      try {
        await import(file);
      } catch (error) {
        test(`${file} is imported`, () => Promise.reject(error));
      }
    }
  } finally {
    here.test = test;
  }
}
