/** Signatures are those that `aws4fetch` itself makes. */

import assert from "node:assert/strict";
import { AwsV4Signer } from "aws4fetch";
import { RequestSigner, type UnsignedRequest } from "../../../lib/storage/remote/s3/sign.ts";
import { quotePath } from "../../../lib/storage/remote/storage_url.ts";

const IDENTITY = {
  accessKeyId: "AKID",
  secretAccessKey: "s/e+c=ret",
  sessionToken: null,
  region: "eu-west-9",
};
const MS = Date.parse("2026-11-30T12:00:00.250Z");
const EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

const REQUESTS: readonly (readonly [string, UnsignedRequest])[] = [
  ["of a list", {
    method: "GET",
    url: "https://h/b?list-type=2&prefix=a%2Fb%20c&max-keys=1&encoding-type=url",
    headers: {},
  }],
  ["of a range", {
    method: "GET",
    url: "http://h:90/b/k",
    headers: { "x-amz-content-sha256": EMPTY, range: "bytes=-9", "if-match": '"x"' },
  }],
  ["of a part", {
    method: "PUT",
    url: "http://h/b/k?partNumber=1&uploadId=x",
    headers: { "x-amz-content-sha256": EMPTY, "x-amz-meta-a": " two   words " },
    body: new Uint8Array(3),
  }],
  ...["GET", "HEAD", "DELETE"].flatMap((method) =>
    [
      "a/b",
      "a b/ü%+~!*'()",
      '?;:@&=$,<>"#[]',
      "composed \u00e9, not e\u0301",
      "%41%zz",
      "ünï/",
      "x".repeat(900),
    ]
      .flatMap((key): [string, UnsignedRequest][] => [
        [`of ${method} ${key.slice(0, 40)}`, {
          method,
          url: `http://h:90/b/${quotePath(key)}`,
          headers: { "x-amz-content-sha256": EMPTY },
        }],
        [`of ${method} ${key.slice(0, 40)} over https`, {
          method,
          url: `https://tenant.example/t%3Ab/${quotePath(key)}`,
          headers: {},
        }],
      ])
  ),
];

async function theirs(
  { method, url, headers, body }: UnsignedRequest,
  identity: Omit<typeof IDENTITY, "sessionToken"> & { sessionToken: string | null },
  datetime: string,
): Promise<Record<string, string>> {
  const { sessionToken, ...rest } = identity;
  const signed = await new AwsV4Signer({
    ...{ ...rest, method, url, headers, datetime, service: "s3" },
    ...(sessionToken === null ? {} : { sessionToken }),
    ...(body === undefined ? {} : { body }),
  }).sign();
  return Object.fromEntries(signed.headers);
}

// One signer for all: what it keeps of one request must not get into the next.
const signer = new RequestSigner(AwsV4Signer);
for (const [name, request] of REQUESTS) {
  for (
    const [whose, identity] of [
      ["", IDENTITY],
      [", with a token", { ...IDENTITY, sessionToken: "to/ken==" }],
      [", of another region", {
        ...IDENTITY,
        region: "us-east-1",
        secretAccessKey: "x".repeat(70),
      }],
    ] as const
  ) {
    Deno.test(`S3: the signature ${name}${whose} is that of the package`, async () => {
      for (
        const [ms, datetime] of [[MS, "20261130T120000Z"], [
          MS + 86_400_000,
          "20261201T120000Z",
        ]] as const
      ) {
        const expected = await theirs(request, identity, datetime);
        assert.deepEqual(signer.sign(request, identity, ms), expected);
        assert.deepEqual(signer.sign(request, identity, ms), expected, "once more");
      }
    });
  }
}
