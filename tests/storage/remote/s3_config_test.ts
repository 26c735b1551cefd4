/** Endpoints and credentials as `schema/storage.md`, section 2, has them. */

import assert from "node:assert/strict";
import { UsageError } from "../../../lib/base/errors.ts";
import { withoutSecrets } from "../../../lib/base/text/secrets.ts";
import { parseIni } from "../../../lib/storage/remote/s3/ini_file.ts";
import { S3Keys } from "../../../lib/storage/remote/s3/s3_config.ts";

const CREDENTIALS = `# comment
[default]
aws_access_key_id = DEFAULTKEY
aws_secret_access_key = default/secret+=
[embargo]
aws_access_key_id=EMBARGOKEY
aws_secret_access_key=embargosecret
aws_session_token = embargotoken
`;
const CONFIG = `[profile virtual]
aws_access_key_id = V
aws_secret_access_key = virtualsecret
region = eu-west-9
s3 =
    addressing_style = virtual
[profile role]
role_arn = arn:aws:iam::1:role/x
[profile sso]
sso_session = x
[profile process]
credential_process = /bin/x
`;

/** Runs with the two files, named by variables. */
function withFiles(run: (files: Record<string, string>) => void): void {
  const folder = Deno.makeTempDirSync();
  try {
    Deno.writeTextFileSync(`${folder}/credentials`, CREDENTIALS);
    Deno.writeTextFileSync(`${folder}/config`, CONFIG);
    run({
      AWS_SHARED_CREDENTIALS_FILE: `${folder}/credentials`,
      AWS_CONFIG_FILE: `${folder}/config`,
    });
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

const PAIR = { AWS_ACCESS_KEY_ID: "ENVKEY", AWS_SECRET_ACCESS_KEY: "envsecret" };
const ENDPOINT = { S3_ENDPOINT_URL: "https://store.example:9000/base" };

interface Expected {
  key: string;
  url: string;
  token?: string;
  region?: string;
}
const FOUND: readonly (readonly [string, string, Record<string, string>, Expected])[] = [
  ["the environment's pair", "bucket", { ...PAIR, ...ENDPOINT }, {
    key: "ENVKEY",
    url: "https://store.example:9000/base/bucket/",
  }],
  ["a session token", "bucket", { ...PAIR, ...ENDPOINT, AWS_SESSION_TOKEN: "envtoken" }, {
    key: "ENVKEY",
    token: "envtoken",
    url: "https://store.example:9000/base/bucket/",
  }],
  ["the default profile", "bucket", ENDPOINT, {
    key: "DEFAULTKEY",
    url: "https://store.example:9000/base/bucket/",
  }],
  ["a profile that AWS_PROFILE names", "bucket", { ...ENDPOINT, AWS_PROFILE: "embargo" }, {
    key: "EMBARGOKEY",
    token: "embargotoken",
    url: "https://store.example:9000/base/bucket/",
  }],
  ["a named profile, whatever the environment's pair", "embargo@bucket", { ...PAIR, ...ENDPOINT }, {
    key: "EMBARGOKEY",
    token: "embargotoken",
    url: "https://store.example:9000/base/bucket/",
  }],
  ["a profile's own endpoint", "embargo@bucket", {
    ...ENDPOINT,
    LSST_RESOURCES_S3_PROFILE_embargo: "http://other.example",
  }, { key: "EMBARGOKEY", token: "embargotoken", url: "http://other.example/bucket/" }],
  ["keys in the endpoint", "embargo@bucket", {
    LSST_RESOURCES_S3_PROFILE_embargo: "http://K:S%2Fxyz@other.example",
  }, { key: "K", url: "http://other.example/bucket/" }],
  ["AWS itself", "bucket", { ...PAIR, AWS_DEFAULT_REGION: "eu-1" }, {
    key: "ENVKEY",
    region: "eu-1",
    url: "https://bucket.s3.eu-1.amazonaws.com/",
  }],
  ["AWS with a dotted bucket", "my.bucket", PAIR, {
    key: "ENVKEY",
    url: "https://s3.us-east-1.amazonaws.com/my.bucket/",
  }],
  ["a virtual host", "virtual@bucket", ENDPOINT, {
    key: "V",
    region: "eu-west-9",
    url: "https://bucket.store.example:9000/base/",
  }],
  ["a tenant", "tenant:bucket", { ...PAIR, ...ENDPOINT, LSST_DISABLE_BUCKET_VALIDATION: "1" }, {
    key: "ENVKEY",
    url: "https://store.example:9000/base/tenant%3Abucket/",
  }],
  ["the endpoint of AWS' own variable, last", "bucket", {
    ...PAIR,
    AWS_ENDPOINT_URL: "http://aws.example",
  }, { key: "ENVKEY", url: "http://aws.example/bucket/" }],
];
for (const [name, authority, variables, expected] of FOUND) {
  Deno.test(`S3Keys finds ${name}`, () => {
    withFiles((files) => {
      const all: Record<string, string> = { ...files, ...variables };
      const { config, credentials } = new S3Keys(authority, { get: (name) => all[name] });
      assert.equal(credentials.accessKeyId, expected.key);
      assert.equal(credentials.sessionToken, expected.token ?? null);
      assert.equal(config.bucketUrl, expected.url);
      assert.equal(config.region, expected.region ?? "us-east-1");
      assert.doesNotMatch(withoutSecrets(`x ${credentials.secretAccessKey} y`), /secret|S\/xyz/);
    });
  });
}

const REFUSED: readonly (readonly [string, string, Record<string, string>, RegExp])[] = [
  ["a profile that is in no file", "nobody@bucket", { ...PAIR, ...ENDPOINT }, /"nobody".*not in/],
  ["an assumed role", "role@bucket", ENDPOINT, /an assumed role/],
  ["single sign-on", "sso@bucket", ENDPOINT, /single sign-on/],
  ["a process", "process@bucket", ENDPOINT, /a credential process/],
  ["half a pair", "bucket", { ...ENDPOINT, AWS_ACCESS_KEY_ID: "K" }, /only one of/],
  ["an endpoint with half a pair", "bucket", {
    S3_ENDPOINT_URL: "https://KEYKEY@store.example",
  }, /without a secret/],
  [
    "an endpoint that is no URL",
    "bucket",
    { ...PAIR, S3_ENDPOINT_URL: "store" },
    /no http\(s\) URL/,
  ],
  ["an invalid bucket", "Bucket_A", { ...PAIR, ...ENDPOINT }, /"Bucket_A".*no valid name/],
  ["no credentials", "bucket", {
    ...ENDPOINT,
    AWS_SHARED_CREDENTIALS_FILE: "/nowhere/a",
    AWS_CONFIG_FILE: "/nowhere/b",
  }, /Cannot find S3 credentials/],
];
for (const [name, authority, variables, reason] of REFUSED) {
  Deno.test(`S3Keys refuses ${name}`, () => {
    withFiles((files) => {
      const all: Record<string, string> = { ...files, ...variables };
      assert.throws(() => new S3Keys(authority, { get: (name) => all[name] }), (error) => {
        assert.ok(error instanceof UsageError, String(error));
        assert.match(error.message, reason);
        return true;
      });
    });
  });
}

Deno.test("S3Keys.refresh() reads keys that were renewed", () => {
  withFiles((files) => {
    const keys = new S3Keys("embargo@bucket", { get: (name) => ({ ...files, ...ENDPOINT })[name] });
    const old = keys.credentials;
    assert.equal(keys.refresh(old), false);
    Deno.writeTextFileSync(
      files.AWS_SHARED_CREDENTIALS_FILE,
      CREDENTIALS.replace("EMBARGOKEY", "NEWKEY"),
    );
    assert.equal(keys.refresh(old), true);
    assert.equal(keys.credentials.accessKeyId, "NEWKEY");
    // Whose request was signed before somebody else's led to that is to try again, too.
    assert.equal(keys.refresh(old), true);
  });
});

Deno.test("parseIni() reads sections, comments and blocks", () => {
  const text = "a = 1\n[x]\n; no\nk : v # c\ns3 =\n  m = 2\n  n=3\nlast=4\n[ profile y ]\nk==\n";
  assert.deepEqual(
    [...parseIni(text)].map(([name, section]) => [name, Object.fromEntries(section)]),
    [["x", { k: "v", "s3.m": "2", "s3.n": "3", last: "4" }], ["y", { k: "=" }]],
  );
});
