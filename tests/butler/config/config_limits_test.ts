/** Configurations that would take for ever, or all memory, or that make the parser itself fail. */

import assert from "node:assert/strict";
import { RepositoryError } from "../../../lib/base/errors.ts";
import { readConfigFile } from "../../../lib/butler/config/config_file.ts";
import { loadRepositoryConfig } from "../../../lib/butler/config/repo_config.ts";
import { readLimitedText } from "../../../lib/storage/regular_file.ts";
import { runHere } from "../../cli/check_support.ts";
import { type TemporaryDirectory, temporaryDirectory } from "../../support/fixtures.ts";

const NO_ENVIRONMENT = { get: () => undefined };

/** Lines of which each stands for ten of the line before. */
function aliasBomb(): string {
  const lines = ["a0: &a0 [l,l,l,l,l,l,l,l,l,l]"];
  for (let i = 1; i < 12; i++) {
    lines.push(`a${i}: &a${i} [${new Array(10).fill(`*a${i - 1}`).join(",")}]`);
  }
  return `${lines.join("\n")}\n`;
}

function fanOut(work: TemporaryDirectory, line: (names: string[]) => string): string {
  for (let i = 1; i < 15; i++) {
    Deno.writeTextFileSync(work.join(`f${i}.yaml`), line(new Array(6).fill(`f${i + 1}.yaml`)));
  }
  Deno.writeTextFileSync(work.join("f15.yaml"), "x: 1\n");
  return line(["f1.yaml"]);
}

function fifo(path: string): void {
  const { success } = new Deno.Command("mkfifo", { args: [path] }).outputSync();
  assert.ok(success);
}

const CONFIGURATIONS: readonly (readonly [
  name: string,
  make: (work: TemporaryDirectory) => string,
  message: RegExp,
])[] = [
  [
    "!include that fans out",
    (work) => fanOut(work, (names) => `x: !include [${names.join(", ")}]\n`),
    /butler\.yaml": it includes more than 200 files/,
  ],
  [
    "includeConfigs that fans out",
    (work) => fanOut(work, (names) => `includeConfigs: [${names.join(", ")}]\n`),
    /butler\.yaml": it includes more than 200 files/,
  ],
  [
    "includes that are large together",
    (work) => {
      Deno.writeTextFileSync(work.join("large.json"), `"${"x".repeat(3_500_000)}"`);
      return `x: !include [${new Array(6).fill("large.json").join(", ")}]\n`;
    },
    /butler\.yaml": it and what it includes have more than 16777216 bytes/,
  ],
  ["an include of itself", () => "x: !include butler.yaml\n", /butler\.yaml": .*nested too deeply/],
  [
    "an include of a FIFO",
    (work) => {
      fifo(work.join("p.yaml"));
      return "x: !include p.yaml\n";
    },
    /p\.yaml": it is a FIFO, not a regular file/,
  ],
  [
    "an include of a device",
    () => "x: !include /dev/zero\n",
    /zero": it is a device, not a regular/,
  ],
  [
    "an include of a directory",
    (work) => {
      Deno.mkdirSync(work.join("d.yaml"));
      return "includeConfigs: d.yaml\n";
    },
    /d\.yaml": it is a directory/,
  ],
  [
    "5 MB",
    () => `x: "${"x".repeat(5_000_000)}"\n`,
    /butler\.yaml": it has more than 4194304 bytes/,
  ],
  ["aliases that multiply", aliasBomb, /butler\.yaml": Excessive alias count/],
  ["an alias of nothing", () => "x: *nothing\n", /butler\.yaml": Unresolved alias/],
  ["20000 levels", () => `x: ${"[".repeat(20_000)}\n`, /butler\.yaml": /],
];

for (const [name, make, message] of CONFIGURATIONS) {
  Deno.test(`a configuration with ${name} is refused at once, by name`, async () => {
    await using work = await temporaryDirectory();
    Deno.writeTextFileSync(work.join("butler.yaml"), make(work));
    assert.throws(() => readConfigFile(work.join("butler.yaml"), NO_ENVIRONMENT, work.path), {
      name: "RepositoryError",
      message,
    });
    const { code, stderr } = await runHere(["info", work.path]);
    assert.equal(code, 2, stderr);
    assert.match(stderr, message);
    assert.doesNotMatch(stderr, /--debug/);
  });
}

Deno.test("a configuration with a hundred includes is read", async () => {
  await using work = await temporaryDirectory();
  Deno.writeTextFileSync(work.join("one.yaml"), "a: 1\n");
  const names = new Array(100).fill("one.yaml").join(", ");
  Deno.writeTextFileSync(work.join("butler.yaml"), `x: !include [${names}]\n`);
  const { x } = readConfigFile(work.join("butler.yaml"), NO_ENVIRONMENT, work.path);
  assert.deepEqual(x, new Array(100).fill({ a: 1 }));
});

Deno.test("a repository index that can't be read only disables aliases, whatever it is", async () => {
  await using work = await temporaryDirectory();
  fifo(work.join("index.yaml"));
  for (
    const [env, message] of [
      [
        { DAF_BUTLER_REPOSITORY_INDEX: work.join("index.yaml") },
        /it is a FIFO, not a regular file/,
      ],
      [{ DAF_BUTLER_REPOSITORY_INDEX: "/dev/zero" }, /neither in .yaml nor in .json/],
      [{ DAF_BUTLER_REPOSITORIES: aliasBomb() }, /does not map labels to locations/],
    ] as [Record<string, string>, RegExp][]
  ) {
    assert.throws(() => loadRepositoryConfig(work.join("none"), { get: (name) => env[name] }), {
      name: "NotFoundError",
      message,
    });
  }
});

Deno.test("readLimitedText() reads no more than it may of a file whose size is not told", () => {
  const refuse = (state: string) => new RepositoryError(state);
  // Files of /proc have size 0.
  assert.match(readLimitedText("/proc/self/status", 1 << 20, refuse), /^Name:/);
  assert.throws(() => readLimitedText("/proc/self/status", 10, refuse), /more than 10 bytes/);
});

Deno.test("an options file that is no file, or a bomb, is refused by name", async () => {
  await using work = await temporaryDirectory();
  fifo(work.join("pipe.yaml"));
  Deno.writeTextFileSync(work.join("bomb.yaml"), aliasBomb());
  for (
    const [file, message] of [
      [work.join("pipe.yaml"), /options file ".*pipe\.yaml": it is a FIFO, not a regular file/],
      [work.join("bomb.yaml"), /options file ".*bomb\.yaml": Excessive alias count/],
      ["/dev/zero", /options file "\/dev\/zero": it is a device, not a regular/],
      [work.path, /options file ".*": it is a directory/],
    ] as [string, RegExp][]
  ) {
    const { code, stderr } = await runHere(["info", "x", "--options-file", file]);
    assert.equal(code, 2, stderr);
    assert.match(stderr, message);
    assert.doesNotMatch(stderr, /--debug/);
  }
});
