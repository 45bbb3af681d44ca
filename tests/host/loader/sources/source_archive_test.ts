/** Proves that plugins are read from archives of every kind, and that hostile or broken archives are refused. */

import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { strToU8, zipSync } from "fflate";
import { packTar, type TarHeader } from "modern-tar";
import { loadPlugin } from "../../../../host/loader/load_plugin.ts";
import { SourceError } from "../../../../host/loader/sources/plugin_source.ts";
import { archiveSource } from "../../../../host/loader/sources/source_archive.ts";
import { temporaryFolder } from "../../../kit/temporary_folder.ts";
import { makeZip, type ZipEntry } from "../../../kit/zip.ts";

async function makeTgz(entries: (Partial<TarHeader> & { name: string; body?: string })[]): Promise<Uint8Array> {
  const tar = await packTar(entries.map(({ body = "", ...header }) => ({
    header: { size: body.length, ...header },
    ...(header.type && header.type !== "file" ? {} : { body }),
  })));
  return gzipSync(tar);
}

async function refusal(bytes: Uint8Array): Promise<string> {
  const error = await archiveSource("a.zip", bytes).catch((error) => error);
  assert.ok(error instanceof SourceError, `Expected a SourceError, found ${error}`);
  return error.message;
}

const FILES = {
  "plugin.json": '{"name":"A","main":"src/index.js"}',
  "src/index.js": "exports.a = require('./b')",
  "src/b.js": "",
};

Deno.test("PS-11 archiveSource() reads index.js and plugin.json of a .zip", async () => {
  const entries = Object.entries(FILES).map(([name, text]) => [name, strToU8(text)] as const);
  const source = await archiveSource("hello.zip", zipSync(Object.fromEntries(entries)));
  assert.equal(source.label, "hello");
  assert.deepEqual([...source.paths].sort(), Object.keys(FILES).sort());
  for (const [name, text] of Object.entries(FILES)) assert.equal(await source.read(name), text);
});

Deno.test("PS-11 archiveSource() reads index.js and plugin.json of a .tgz", async () => {
  const source = await archiveSource(
    "hello.tgz",
    await makeTgz(Object.entries(FILES).map(([name, body]) => ({ name: `package/${name}`, body }))),
  );
  assert.deepEqual([...source.paths].sort(), Object.keys(FILES).sort());
  for (const [name, text] of Object.entries(FILES)) assert.equal(await source.read(name), text);
});

Deno.test("archiveSource() reads a .zip that was made by Windows", async () => {
  const zip = makeZip([
    { name: "my-plugin\\" },
    { name: "my-plugin\\plugin.json", content: '{"main":"src/index.js"}' },
    { name: "my-plugin\\src\\index.js", content: "1" },
  ]);
  assert.deepEqual([...(await archiveSource("z", zip)).paths], ["plugin.json", "src/index.js"]);
});

Deno.test("PU-17 archiveSource() finds the root folder that GitHub, GitLab and npm put around a plugin", async () => {
  const name = "helloworldplugin-a1f691bd";
  const zip = makeZip([
    { name: `${name}/` },
    { name: `${name}/README.md`, content: "#" },
    { name: `${name}/plugin.json`, content: '{"name":"Z"}' },
    { name: `${name}/index.js`, content: "1" },
  ]);
  assert.deepEqual([...(await archiveSource("z", zip)).paths], ["plugin.json", "index.js"]);
  const tgz = await makeTgz([
    { name: "pax_global_header", type: "pax-global-header", body: "" },
    { name: `${name}/`, type: "directory" },
    { name: `${name}/plugin.json`, body: "{}" },
  ]);
  assert.deepEqual([...(await archiveSource("t", tgz)).paths], ["plugin.json"]);
});

Deno.test("archiveSource() leaves out dependencies, dot folders and what is not code", async () => {
  const names = ["index.js", "node_modules/a/index.js", ".github/a.js", "logo.png", "__MACOSX/index.js", "README.md"];
  assert.deepEqual([...(await archiveSource("z", makeZip(names.map((name) => ({ name }))))).paths], ["index.js"]);
});

Deno.test("archiveSource() refuses names that lead out of the archive", async () => {
  for (const name of ["../evil.js", "a/../../evil.js", "/etc/evil.js", "C:/evil.js", "a\\..\\evil.js", "a\0.js"]) {
    assert.match(
      await refusal(makeZip([{ name: "index.js" }, { name, content: "x" }])),
      /the entry ".*" leads out of it$/,
    );
    if (name.includes("\0")) continue;
    assert.match(await refusal(await makeTgz([{ name: "index.js" }, { name, body: "x" }])), /leads out of it$/);
  }
});

Deno.test("archiveSource() refuses links that lead out and does not follow those that stay", async () => {
  for (const target of ["/etc/passwd", "../outside.js", "a/../../../x"]) {
    const zip = makeZip([{
      name: "src/link.js",
      content: target.replace("../outside", "../../outside"),
      isLink: true,
    }]);
    assert.match(await refusal(zip), /the link "src\/link\.js" leads out of it, to "/);
    assert.match(
      await refusal(await makeTgz([{ name: "link.js", type: "symlink", linkname: target, size: 0 }])),
      /the link "link\.js" leads out of it, to "/,
    );
  }
  assert.match(
    await refusal(await makeTgz([{ name: "link.js", type: "link", linkname: "../../x", size: 0 }])),
    /leads out of it/,
  );
  const staying = makeZip([{ name: "CLAUDE.js", content: "index.js", isLink: true }, {
    name: "index.js",
    content: "1",
  }]);
  assert.deepEqual([...(await archiveSource("z", staying)).paths], ["index.js"]);
});

Deno.test("archiveSource() stops unpacking a bomb, whatever sizes it states", async () => {
  const zeros = new Uint8Array(80 * 1024 * 1024);
  assert.match(await refusal(makeZip([{ name: "index.js", content: zeros }])), /unpacks from \d+ bytes to more than/);
  const small = zeros.subarray(0, 3 * 1024 * 1024);
  const many: ZipEntry[] = Array.from({ length: 20 }, (_, i) => ({ name: `${i}.js`, content: small }));
  assert.match(await refusal(makeZip(many)), /unpacks? (?:from \d+ bytes )?to more than/);
  const tar = await packTar([{ header: { name: "index.js", size: zeros.length }, body: zeros }]);
  assert.match(await refusal(gzipSync(tar)), /unpack to more than/);
  const beside = await packTar([{ header: { name: "movie.mp4", size: zeros.length }, body: zeros }]);
  assert.match(await refusal(gzipSync(beside)), /unpack to more than/);
});

Deno.test("archiveSource() refuses more entries than a plugin has", async () => {
  assert.match(
    await refusal(makeZip(Array.from({ length: 20_001 }, (_, i) => ({ name: `${i}.txt`, method: 0 })))),
    /it has more than 20000 entries/,
  );
});

Deno.test("PS-10 archiveSource() says what is wrong with a broken archive", async () => {
  const whole = makeZip([{ name: "index.js", content: "exports.a = 1" }]);
  assert.match(await refusal(new TextEncoder().encode("hello")), /neither a \.zip nor a \.tgz$/);
  assert.match(await refusal(new Uint8Array()), /neither/);
  assert.match(await refusal(whole.subarray(0, whole.length - 30)), /damaged or cut off/);
  assert.match(
    await refusal(makeZip([{ name: "index.js", content: "x", crc: 1 }])),
    /the entry "index\.js" is damaged/,
  );
  assert.match(await refusal(makeZip([{ name: "index.js", isEncrypted: true }])), /is encrypted/);
  assert.match(await refusal(makeZip([{ name: "index.js", method: 14 }])), /packed by method 14, expected 0 or 8/);
  const tgz = await makeTgz([{ name: "index.js", body: "x".repeat(5000) }]);
  assert.match(await refusal(tgz.subarray(0, tgz.length - 12)), /damaged or cut off/);
});

Deno.test("archiveSource() survives every cut and many flipped bits", async () => {
  const whole = makeZip([{ name: "index.js", content: "exports.a = 1" }, { name: "plugin.json", content: "{}" }]);
  for (let length = 0; length < whole.length; length++) await refusal(whole.slice(0, length));
  for (let at = 0; at < whole.length; at++) {
    const flipped = whole.slice();
    flipped[at]! ^= 0xff;
    const outcome = await archiveSource("a.zip", flipped).catch((error) => error);
    assert.ok("paths" in outcome || outcome instanceof SourceError, `byte ${at}: ${outcome}`);
  }
});

Deno.test("loadPlugin() loads an archive from disk by what it holds, not by its name", async () => {
  await using folder = await temporaryFolder();
  await Deno.writeFile(
    folder.file("plugin.zip"),
    await makeTgz(Object.entries(FILES).map(([name, body]) => ({ name, body }))),
  );
  const { manifest, files } = await loadPlugin(folder.file("plugin.zip"));
  assert.equal(manifest.name, "A");
  assert.deepEqual(Object.keys(files), ["src/index.js", "src/b.js"]);
});
