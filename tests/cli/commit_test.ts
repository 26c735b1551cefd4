import assert from "node:assert/strict";
import { pathToFileURL } from "node:url";
import { checkedOutCommit } from "../../lib/cli/commit.ts";
import { temporaryDirectory } from "../support/fixtures.ts";

const HASH = "0123456789abcdef0123456789abcdef01234567";
const OTHER = "f".repeat(40);

Deno.test("checkedOutCommit() follows branches, packed ones and work trees, without git", async () => {
  const cases: [files: Record<string, string>, expected: string][] = [
    [{ ".git/HEAD": `${HASH}\n` }, HASH],
    [{ ".git/HEAD": "ref: refs/heads/a/b\n", ".git/refs/heads/a/b": `${HASH}\n` }, HASH],
    [{
      ".git/HEAD": "ref: refs/heads/main\n",
      ".git/packed-refs": `# pack-refs\n${OTHER} refs/heads/mainly\n${HASH} refs/heads/main\n`,
    }, HASH],
    // A branch that has moved since it was packed.
    [{
      ".git/HEAD": "ref: refs/heads/main\n",
      ".git/packed-refs": `${OTHER} refs/heads/main\n`,
      ".git/refs/heads/main": HASH,
    }, HASH],
    [{
      ".git": "gitdir: main/.git/worktrees/w\n",
      "main/.git/worktrees/w/HEAD": "ref: refs/heads/w\n",
      "main/.git/worktrees/w/commondir": "../..\n",
      "main/.git/refs/heads/w": `${HASH}\n`,
    }, HASH],
    [{ ".git/HEAD": "ref: refs/heads/unborn\n" }, "unknown"],
    [{ ".git/HEAD": "nonsense\n" }, "unknown"],
    [{}, "unknown"],
  ];
  for (const [files, expected] of cases) {
    await using work = await temporaryDirectory();
    for (const [path, text] of Object.entries(files)) {
      const file = work.join(path);
      Deno.mkdirSync(file.slice(0, file.lastIndexOf("/")), { recursive: true });
      Deno.writeTextFileSync(file, text);
    }
    const root = pathToFileURL(`${work.path}/`);
    assert.equal(checkedOutCommit(root), expected, JSON.stringify(files));
  }
});
