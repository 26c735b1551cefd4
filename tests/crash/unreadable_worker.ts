/** A module that fails while it is loaded: a worker made of it never starts. @module */

// deno-lint-ignore no-explicit-any -- it must be an error at run time only
(globalThis as any).eval("nowhere.atAll()");
