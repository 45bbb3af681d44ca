/** Proves that every plugin that ships loads, documents itself and its config, and has a test. */

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { loadPlugin } from "../../host/loader/load_plugin.ts";

const PLUGINS = fileURLToPath(new URL("../../plugins/", import.meta.url));

Deno.test("every plugin that ships loads, says what it does and how it is configured, and has its test", async () => {
  const folders = [...Deno.readDirSync(PLUGINS)].filter(({ isDirectory }) => isDirectory).map(({ name }) => name);
  assert.ok(folders.length >= 11);
  for (const name of folders) {
    const folder = `${PLUGINS}${name}`;
    const { manifest, main } = await loadPlugin(folder);
    assert.equal(main, "index.ts", name);
    assert.ok(manifest.name !== name && manifest.description.endsWith("."), name);
    for (const field of manifest.config) {
      if (field.key === undefined) continue;
      const what = `${name}: ${field.key}`;
      assert.ok(field.name && field.type, what);
      // A default fills the form; without one a plugin would have to deal with undefined.
      assert.equal(typeof field.default, "string", what);
      if (field.type === "choice") assert.ok(field.choices?.includes(String(field.default)), what);
    }
    assert.match(await Deno.readTextFile(`${folder}/README.md`), /^[A-Z].*\.\n$/s, name);
    assert.ok((await Deno.stat(`${folder}/index_test.ts`)).isFile, name);
  }
});
