/**
 * Proves that any bytes for an archive give files that stay inside it or a SourceError in words.
 * @module
 */

import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { packTar } from "modern-tar";
import { SourceError } from "../../host/loader/sources/plugin_source.ts";
import { archiveSource } from "../../host/loader/sources/source_archive.ts";
import { damaged, fuzzRuns } from "../kit/fuzz.ts";
import { makeZip } from "../kit/zip.ts";

const name = fc.oneof(
  fc.constantFrom(
    "plugin.json",
    "index.js",
    "a/index.js",
    "../x.js",
    "/etc/x.js",
    "a/../../x.js",
    "a\\b.js",
    "C:\\x.js",
    "a/",
    "\0.js",
  ),
  fc.string({ maxLength: 20 }).map((text) => `${text}.js`),
);
const entries = fc.array(fc.record({ name, content: fc.string({ maxLength: 50 }) }), { maxLength: 5 });

const zip = entries.map((entries) => makeZip(entries));
/** Built before the cases run: packing a tar is asynchronous. */
const TARS = await Promise.all(
  fc.sample(entries, 200).map(async (entries) =>
    await packTar(entries.map(({ name, content }) => ({
      header: { name, size: new TextEncoder().encode(content).length },
      body: content,
    }))).catch(() => new Uint8Array(1024))
  ),
);
const tar = fc.constantFrom(...TARS);
const noise = fc.uint8Array({ maxLength: 600 });

Deno.test("archiveSource() gives files below the archive's root, or says what is wrong", async () => {
  let taken = 0;
  const archive = fc.oneof(
    damaged(zip),
    damaged(tar),
    damaged(tar).map((bytes) => gzipSync(bytes)),
    damaged(tar.map((bytes) => gzipSync(bytes))),
    noise,
  );
  await fc.assert(
    fc.asyncProperty(archive, async (bytes) => {
      try {
        const source = await archiveSource("a.zip", bytes);
        taken++;
        for (const path of source.paths) {
          assert.doesNotMatch(path, /^\/|^[A-Za-z]:|\\|\0/);
          assert.ok(!path.split("/").includes(".."), path);
          assert.equal(typeof await source.read(path), "string");
        }
      } catch (error) {
        assert.ok(error instanceof SourceError, `${error instanceof Error ? error.stack : error}`);
      }
    }),
    { numRuns: fuzzRuns(1000) },
  );
  assert.ok(taken > 0, "no case was an archive");
});
