/** Proves that a failed request rejects with the error that node-fetch would give. */

import assert from "node:assert/strict";
import { get } from "node:http";
import { asFetchError, FetchError } from "../../../sandbox/fetch/fetch_error.ts";

Deno.test("asFetchError() makes node-fetch's error of a request that got no answer", async () => {
  const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  const { port } = listener.addr;
  listener.close();
  const url = `http://127.0.0.1:${port}/`;
  const failed = await new Promise((resolve) => get(url).on("error", resolve));
  const error = asFetchError(url, failed);
  assert.ok(error instanceof FetchError);
  assert.equal(error.name, "FetchError");
  assert.equal(error.type, "system");
  assert.equal(error.code, "ECONNREFUSED");
  assert.equal(error.message, `request to ${url} failed, reason: connect ECONNREFUSED 127.0.0.1:${port}`);
});

Deno.test("asFetchError() leaves an abort and other errors alone", async () => {
  const aborted = await fetch("http://127.0.0.1/", { signal: AbortSignal.abort() }).catch((error) => error);
  assert.equal(asFetchError("http://127.0.0.1/", aborted), aborted);
  assert.equal(aborted.name, "AbortError");
  const refusal = new Error("Cannot connect");
  assert.equal(asFetchError("http://127.0.0.1/", refusal), refusal);
});
