/** Proves that a plugin can use every small provided package and every built-in module that plugins have. */

import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { startPackagePlugin } from "./package_plugin.ts";

Deno.test("a plugin works with the small packages and built-in modules", async (t) => {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", {
    modulusLength: 2048,
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
    publicKeyEncoding: { type: "spki", format: "pem" },
  });
  await using plugin = await startPackagePlugin("small", { config: { privateKey, publicKey } });
  const expected: Record<string, unknown> = {
    crypto: {
      md5: "0cc175b9c0f1b6a831c399e269772661",
      hmac: "6afa9046a9579cad143a384c1b564b9a250d27d6f6a63f9f20bf3a7594c9e2c6",
      uuid: 36,
      bytes: 4,
      cipher: "secret",
      equal: true,
    },
    signature: true,
    url: { legacy: "d", URL: "/b", format: "https://a/b" },
    zlib: { gzip: "text", brotli: "text", callback: "text", stream: "streamed" },
    stream: "TEXT",
    jsonwebtoken: { iss: "plugin", lasts: 3600, a: 1, header: "RS256", refused: true },
    faker: { mail: true, word: "string" },
    ethers: {
      id: "0xddf252ad",
      ether: "1.5",
      checksum: "0xABaBaBaBABabABabAbAbABAbABabababaBaBABaB",
      signer: true,
    },
    "generic-pool": { again: 1, late: "TimeoutError", made: 1 },
    "plugin-contrib": [["a", "b"], ["c"], ["late"]],
    "plugin-scaffold": [true, "RetryError", "RetryError: m"],
  };
  for (const [name, result] of Object.entries(expected)) {
    await t.step(name, async () => {
      assert.deepEqual((await plugin.processEvent({ event: name })).properties, { result });
    });
  }
});
