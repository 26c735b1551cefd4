/**
 * The licences of what is distributed with the program: of the packages that `deno.lock` names, and of the
 * runtime, of which binaries are made.
 *
 * @module
 */

import { execute, isTypesOnly, ROOT } from "./project.ts";

const LICENSE_NAME = /^(?:licen[cs]e|copying|notice)(?:[-.].*)?$/i;

/** What packages hold of others, by their names. */
const CONTENTS: Readonly<Record<string, string>> = {
  "zstd-codec": zstdText("zstd-codec"),
  "@bokuweb/zstd-wasm": zstdText("@bokuweb/zstd-wasm"),
};

function zstdText(name: string): string {
  return `${name} holds Zstandard, compiled to WebAssembly: Copyright (c) Meta Platforms, Inc. and
affiliates, under the BSD licence:

Redistribution and use in source and binary forms, with or without modification, are permitted provided
that the following conditions are met:

 * Redistributions of source code must retain the above copyright notice, this list of conditions and the
   following disclaimer.
 * Redistributions in binary form must reproduce the above copyright notice, this list of conditions and
   the following disclaimer in the documentation and/or other materials provided with the distribution.
 * Neither the name Facebook, nor Meta, nor the names of its contributors may be used to endorse or promote
   products derived from this software without specific prior written permission.

THIS SOFTWARE IS PROVIDED BY THE COPYRIGHT HOLDERS AND CONTRIBUTORS "AS IS" AND ANY EXPRESS OR IMPLIED
WARRANTIES, INCLUDING, BUT NOT LIMITED TO, THE IMPLIED WARRANTIES OF MERCHANTABILITY AND FITNESS FOR A
PARTICULAR PURPOSE ARE DISCLAIMED. IN NO EVENT SHALL THE COPYRIGHT HOLDER OR CONTRIBUTORS BE LIABLE FOR ANY
DIRECT, INDIRECT, INCIDENTAL, SPECIAL, EXEMPLARY, OR CONSEQUENTIAL DAMAGES (INCLUDING, BUT NOT LIMITED TO,
PROCUREMENT OF SUBSTITUTE GOODS OR SERVICES; LOSS OF USE, DATA, OR PROFITS; OR BUSINESS INTERRUPTION)
HOWEVER CAUSED AND ON ANY THEORY OF LIABILITY, WHETHER IN CONTRACT, STRICT LIABILITY, OR TORT (INCLUDING
NEGLIGENCE OR OTHERWISE) ARISING IN ANY WAY OUT OF THE USE OF THIS SOFTWARE, EVEN IF ADVISED OF THE
POSSIBILITY OF SUCH DAMAGE.`;
}

const MIT_TEXT =
  `Permission is hereby granted, free of charge, to any person obtaining a copy of this software and
associated documentation files (the "Software"), to deal in the Software without restriction, including
without limitation the rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
copies of the Software, and to permit persons to whom the Software is furnished to do so, subject to the
following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial
portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT
LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO
EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER
IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE
USE OR OTHER DEALINGS IN THE SOFTWARE.`;

/** The runtime in binaries; its own third parties are listed in its repository. */
const DENO_TEXT =
  `Deno (in binaries only), with V8, SQLite and Rust crates under licences of their own
that Deno's source lists. MIT License. Copyright 2018-2026 the Deno authors

${MIT_TEXT}`;

/** A package of the lock file and its licence. */
export interface PackageLicense {
  name: string;
  version: string;
  /** Identifier of SPDX, as its package.json says. */
  license: string;
  text: string;
}

/**
 * Packages of `deno.lock` that the program runs with.
 *
 * @throws {Error} if one of them can't be fetched, or says nothing of its licence.
 */
export function packageLicenses(): PackageLicense[] {
  execute(Deno.execPath(), ["install", "--quiet", "--frozen"]);
  const { npmCache } = JSON.parse(execute(Deno.execPath(), ["info", "--json"])) as {
    npmCache: string;
  };
  const caches = [...Deno.readDirSync(npmCache)].filter(({ isDirectory }) => isDirectory)
    .map(({ name }) => `${npmCache}/${name}`);
  const lock = JSON.parse(Deno.readTextFileSync(`${ROOT}deno.lock`)) as { npm: object };
  return Object.keys(lock.npm).sort().map((key) => {
    const at = key.lastIndexOf("@");
    return { name: key.slice(0, at), version: key.slice(at + 1) };
  }).filter(({ name }) => !isTypesOnly(name)).map(({ name, version }) => {
    const folder = caches.map((cache) => `${cache}/${name}/${version}`).find(isFolder);
    if (folder === undefined) {
      throw new Error(`Cannot find package ${name} ${version} in the cache`);
    }
    return readLicense(name, version, folder);
  });
}

/** The licence of a package, out of its folder. @throws {Error} if it says nothing of it. */
export function readLicense(name: string, version: string, folder: string): PackageLicense {
  const { license, author } = JSON.parse(Deno.readTextFileSync(`${folder}/package.json`)) as {
    license?: string;
    author?: string | { name: string };
  };
  const file = [...Deno.readDirSync(folder)].map(({ name }) => name).sort()
    .find((name) => LICENSE_NAME.test(name));
  if (license === undefined && file === undefined) {
    throw new Error(`Package ${name} ${version} says nothing of its licence`);
  }
  const by = typeof author === "object" ? author.name : author ?? `the authors of ${name}`;
  const own = file === undefined
    ? `Copyright ${by}. The package holds no text of its licence (${license}).\n\n` +
      (license === "MIT" ? MIT_TEXT : "")
    : Deno.readTextFileSync(`${folder}/${file}`).trim();
  const held = CONTENTS[name];
  return {
    name,
    version,
    license: license ?? `see below`,
    text: held === undefined ? own.trim() : `${own.trim()}\n\n${held}`,
  };
}

function isFolder(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch {
    return false;
  }
}

/** The text of `THIRD_PARTY_LICENSES`: the same for the same lock file. */
export function thirdPartyLicenses(): string {
  const rule = "=".repeat(100);
  const parts = packageLicenses().map(({ name, version, license, text }) =>
    `${name} ${version} (${license})\n\n${text}`
  );
  return [
    "provgraph is distributed with, or made of, the following software of others.",
    ...parts,
    DENO_TEXT,
  ].join(`\n\n${rule}\n`) + "\n";
}

/** Writes the text into a folder. */
export function writeLicenses(folder: string): void {
  Deno.copyFileSync(`${ROOT}LICENSE`, `${folder}/LICENSE`);
  Deno.writeTextFileSync(`${folder}/THIRD_PARTY_LICENSES`, thirdPartyLicenses());
}
