/**
 * Proves that an operator is told where a configuration does not fit its plugin, by name.
 * @module
 */

import assert from "node:assert/strict";
import { configWarnings } from "../../../../host/loader/manifest/config_warnings.ts";
import { parseManifest } from "../../../../host/loader/manifest/manifest.ts";

const manifest = parseManifest(
  JSON.stringify({
    config: [
      { key: "apiKey", required: true },
      { key: "host", required: true, default: "https://example.com" },
      { key: "region" },
      { key: "database", type: "attachment", required: true },
      { markdown: "text" },
    ],
  }),
  "plugin",
);
const file = { content_type: "text/plain", file_name: "a", contents: new Uint8Array() };

Deno.test("configWarnings() says nothing of a configuration that fits", () => {
  const config = { apiKey: "k", region: "eu" };
  assert.deepEqual(configWarnings(manifest, { config, attachments: { database: file } }), []);
  const bare = parseManifest("{}", "bare");
  assert.deepEqual(configWarnings(bare, { config: { whatever: 1 }, attachments: {} }), []);
});

Deno.test("configWarnings() names what is missing and what was not asked for, with what was probably meant", () => {
  const config = { api_key: "k", apiKey: "", host: null, anything: 1 };
  assert.deepEqual(configWarnings(manifest, { config, attachments: { databse: file } }), [
    'The configuration has no value for "apiKey", which the plugin requires',
    'The configuration has no value for "host", which the plugin requires',
    'The configuration has no attachment "database", which the plugin requires',
    'The configuration has "api_key", which plugin.json does not name: did you mean "apiKey"?',
    'The configuration has "anything", which plugin.json does not name',
    'The configuration has the attachment "databse", which plugin.json does not name: did you mean "database"?',
  ]);
});
