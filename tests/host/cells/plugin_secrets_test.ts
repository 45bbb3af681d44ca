/**
 * Proves that a plugin's secrets do not stand in what is written down about it, whatever they are made of.
 * @module
 */

import assert from "node:assert/strict";
import { createPluginSecrets } from "../../../host/cells/plugin_secrets.ts";

const secretsOf = (config: Record<string, unknown>) => createPluginSecrets(null, { config, attachments: {} });

Deno.test("a secret is hidden by itself, as JSON, in an address, and as the password of one", () => {
  const { hide } = secretsOf({ apiKey: 'with "quotes"', url: "postgres://me:s%C3%A9cret-1@host/db" });
  assert.equal(hide('it is with "quotes"'), "it is [secret apiKey]");
  assert.equal(
    hide(`http://host/?key=${encodeURIComponent('with "quotes"')}&${new URLSearchParams({ form: 'with "quotes"' })}`),
    "http://host/?key=[secret apiKey]&form=[secret apiKey]",
  );
  assert.equal(hide(new URL('http://host/?key=with "quotes"').href), "http://host/?key=[secret apiKey]");
  assert.equal(secretsOf({ apiKey: "half of a pair \ud800" }).hide("harmless"), "harmless");
  assert.equal(hide(JSON.stringify({ key: 'with "quotes"' })), '{"key":"[secret apiKey]"}');
  assert.equal(hide("no access for s%C3%A9cret-1 or sécret-1"), "no access for [secret url] or [secret url]");
});

Deno.test("an address whose password is not well encoded is a secret like others", () => {
  const { hide } = secretsOf({ url: "postgres://me:is-100%@host/db" });
  assert.equal(hide("cannot connect with is-100%"), "cannot connect with [secret url]");
});
