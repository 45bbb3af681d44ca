/**
 * Unpacks a .tgz or .tar in memory. The limits apply during decompression.
 * @module
 */

import { createTarDecoder } from "modern-tar";
import { archiveError, type ArchiveFiles, checkEntryName, checkLink, createUnpackBudget } from "./archive_limits.ts";
import { SourceError } from "./plugin_source.ts";

/** Allows for headers, padding and files that are not kept. */
const MAX_STREAM_FACTOR = 4;

/** Returns the files that `keep` accepts. */
export async function readTgz(
  label: string,
  bytes: Uint8Array,
  keep: (path: string) => boolean,
): Promise<ArchiveFiles> {
  const budget = createUnpackBudget(label, bytes.length);
  const maxStreamBytes = budget.left() * MAX_STREAM_FACTOR;
  let streamed = 0;
  const count = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      streamed += chunk.length;
      if (streamed > maxStreamBytes) {
        throw archiveError(label, `its ${bytes.length} bytes unpack to more than ${maxStreamBytes}`);
      }
      controller.enqueue(chunk);
    },
  });
  const whole = ReadableStream.from([bytes as Uint8Array<ArrayBuffer>]);
  const tar = bytes[0] === 0x1f ? whole.pipeThrough(new DecompressionStream("gzip")) : whole;
  try {
    const files: ArchiveFiles = new Map();
    for await (const { header, body } of tar.pipeThrough(count).pipeThrough(createTarDecoder({ strict: true }))) {
      budget.entry();
      const path = checkEntryName(label, header.name);
      if (header.type === "symlink") checkLink(label, path, header.linkname ?? "");
      if (header.type === "link") checkEntryName(label, header.linkname ?? "");
      const chunks: Uint8Array[] = [];
      const wanted = (header.type ?? "file") === "file" && keep(path);
      for await (const chunk of body) {
        if (!wanted) continue;
        budget.spend(chunk.length);
        chunks.push(chunk);
      }
      if (wanted) files.set(path, new Uint8Array(await new Blob(chunks as BlobPart[]).arrayBuffer()));
    }
    return files;
  } catch (error) {
    if (error instanceof SourceError) throw error;
    throw archiveError(label, `it is damaged or cut off: ${(error as Error).message}`, { cause: error });
  }
}
