/**
 * Writing all bytes, however many the system takes at once.
 * @module
 */

/** What a file and stdout have in common. */
export interface ByteWriter {
  write(bytes: Uint8Array): Promise<number>;
}

/** Resolves when the writer has taken every byte. */
export async function writeAll(writer: ByteWriter, bytes: Uint8Array): Promise<void> {
  for (let offset = 0; offset < bytes.length;) offset += await writer.write(bytes.subarray(offset));
}
