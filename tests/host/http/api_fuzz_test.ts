/** Proves, with generated requests, that the API answers with JSON and never with a server error. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { ADMIN_TOKEN, pluginView, startApi } from "../../kit/api_service.ts";
import { openApiOfThisVersion } from "../../kit/write_openapi.ts";

Deno.test("the API answers whatever it is asked with less than 500 and JSON", async () => {
  await using api = await startApi();
  api.plugins.push(pluginView());
  const { paths } = await openApiOfThisVersion() as { paths: Record<string, Record<string, unknown>> };
  // A stream has no end to wait for.
  const operations = Object.entries(paths).filter(([path]) => !path.endsWith("/live")).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => [method, path] as const)
  );
  const id = fc.oneof(
    fc.constantFrom(
      "39",
      "1",
      "0",
      "-1",
      "1e3",
      "9".repeat(30),
      "..",
      "%2e%2e",
      "%00",
      "%zz",
      "%",
      "a/b",
      "destination:1/x",
      "",
    ),
    fc.string({ unit: "binary" }).map(encodeURIComponent),
  );
  const query = fc.dictionary(
    fc.constantFrom(
      "limit",
      "after",
      "before",
      "next",
      "type",
      "search",
      "state",
      "kind",
      "team_id",
      "project",
      "consumer",
      "plugin_config_id",
    ),
    fc.oneof(fc.constantFrom("1", "-1", "1e99", "NaN", "", "0", "ERROR", "waiting"), fc.string({ unit: "binary" })),
  );
  const body = fc.oneof(
    fc.constantFrom("", "{", "null", "[]", '{"time":1e400}', '{"payload":{"__proto__":1}}'),
    fc.json(),
  );
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...operations), id, query, body, async ([method, path], part, search, text) => {
      const target = `${path.replace(/\{\w+\}/g, () => part)}?${new URLSearchParams(search)}`;
      const response = await api.app.request(target, {
        method: method.toUpperCase(),
        headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
        ...(["post", "put", "patch"].includes(method) && { body: text }),
      });
      const answer = await response.text();
      assert.ok(response.status < 500, `${method} ${target}: ${response.status} ${answer}`);
      assert.doesNotThrow(() => JSON.parse(answer), `${method} ${target}: ${answer}`);
    }),
    { numRuns: 1000 },
  );
});
