/**
 * Proves that any text for a plugin.json gives a manifest or a ManifestError in words, and that any configuration can
 * be put together with any manifest.
 * @module
 */

import assert from "node:assert/strict";
import fc from "fast-check";
import { ManifestError, mergeDefaults, parseManifest } from "../../host/loader/manifest/manifest.ts";
import { damaged, fuzzRuns, jsonWith } from "../kit/fuzz.ts";

const NAMES = [
  ..."name description url main config key type default hint markdown order required secret choices".split(" "),
  ..."publicJobs payload title staff_only schedule visible_if required_if".split(" "),
];
const TYPES = ["string", "attachment", "choice", "json", "boolean", "dictionary", "multiline", "* * * * *", [], {}, [
  "a",
]];
const utf8 = new TextEncoder();
const json = jsonWith(NAMES, TYPES);
const manifest = fc.record({
  name: json,
  main: json,
  config: fc.oneof(
    json,
    fc.array(fc.record({ key: fc.string(), type: json, default: json, order: json }, { requiredKeys: [] })),
  ),
  publicJobs: json,
  schedule: json,
}, { requiredKeys: [] });
const text = damaged(fc.oneof(json, manifest, manifest).map((value) => utf8.encode(JSON.stringify(value) ?? "")));

Deno.test("parseManifest() gives a manifest that any configuration can be merged with, or says what is wrong", () => {
  let taken = 0;
  fc.assert(
    fc.property(text, fc.dictionary(fc.string(), json), (bytes, config) => {
      try {
        const parsed = parseManifest(new TextDecoder().decode(bytes), "fallback");
        taken++;
        assert.ok(parsed.name.length > 0);
        const merged = mergeDefaults(parsed, config);
        for (const key of Object.keys(config)) assert.equal(merged[key], config[key]);
        assert.equal(Object.getPrototypeOf(merged), Object.prototype);
      } catch (error) {
        assert.ok(error instanceof ManifestError, String(error));
        assert.ok(error.message.length > 0);
      }
    }),
    { numRuns: fuzzRuns(1000) },
  );
  assert.ok(taken > 0, "no case was a manifest");
});
