/** Takes the lock on a path and says so; with `die`, is killed while it holds it. */

import { LockFile } from "../../lib/store/lock_file.ts";

const [path, how] = Deno.args;
using _lock = LockFile.acquire(path);
console.log(Deno.pid);
if (how === "die") Deno.kill(Deno.pid, "SIGKILL");
if (how === "stay") await Deno.stdin.readable.getReader().read();
