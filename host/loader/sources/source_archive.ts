/**
 * A plugin in a .zip or .tgz, unpacked in memory.
 * @module
 */

import { archiveError } from "./archive_limits.ts";
import { isLoadable, memorySource, type PluginSource } from "./plugin_source.ts";
import { readTgz } from "./read_tgz.ts";
import { readZip } from "./read_zip.ts";

/** The first bytes decide the format; the name does not matter. */
export async function archiveSource(label: string, bytes: Uint8Array): Promise<PluginSource> {
  const files = isZip(bytes)
    ? readZip(label, bytes, isKept)
    : isTar(bytes)
    ? await readTgz(label, bytes, isKept)
    : null;
  if (files === null) throw archiveError(label, "it is neither a .zip nor a .tgz");
  const root = rootFolder([...files.keys()]);
  const decoder = new TextDecoder();
  return memorySource(
    label.replace(/\.(?:zip|tgz|tar|tar\.gz)$/, ""),
    new Map([...files].map(([path, content]) => [path.slice(root.length), decoder.decode(content)])),
  );
}

function isZip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x50 && bytes[1] === 0x4b;
}

/** Matches gzip, or the magic number of a bare tar. */
function isTar(bytes: Uint8Array): boolean {
  return (bytes[0] === 0x1f && bytes[1] === 0x8b) ||
    new TextDecoder().decode(bytes.subarray(257, 262)) === "ustar";
}

function isKept(path: string): boolean {
  return !path.startsWith("__MACOSX/") && isLoadable(path);
}

/** The root folder, such as `repository-1.0.0/` or `package/`, when everything lies below one folder. */
function rootFolder(paths: string[]): string {
  const first = paths[0];
  const root = first?.slice(0, first.indexOf("/") + 1) ?? "";
  return root !== "" && paths.every((path) => path.startsWith(root)) && !paths.includes("plugin.json") ? root : "";
}
