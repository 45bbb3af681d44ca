/** Proves that the published OpenAPI document is up to date and describes every operation of the API. */

import assert from "node:assert/strict";
import { OPENAPI_FILE, openApiOfThisVersion } from "../../kit/write_openapi.ts";

interface OpenApi {
  paths: Record<
    string,
    Record<string, { operationId: string; parameters: { name: string; in: string; schema: unknown }[] }>
  >;
}

Deno.test("docs/openapi.json is what the service answers (deno task openapi writes it)", async () => {
  assert.deepEqual(JSON.parse(await Deno.readTextFile(OPENAPI_FILE)), await openApiOfThisVersion());
});

Deno.test("openApiDocument() names every parameter of a path, and every operation once", async () => {
  const { paths } = await openApiOfThisVersion() as OpenApi;
  const ids: string[] = [];
  for (const [path, operations] of Object.entries(paths)) {
    const names = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]);
    for (const { operationId, parameters } of Object.values(operations)) {
      ids.push(operationId);
      assert.deepEqual(parameters.filter((parameter) => parameter.in === "path").map(({ name }) => name), names, path);
      for (const { schema } of parameters) assert.notDeepEqual(schema, {}, path);
    }
  }
  assert.ok(ids.length > 15);
  assert.equal(new Set(ids).size, ids.length);
});
