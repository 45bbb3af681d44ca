/**
 * Writes all bytes, however few the operating system accepts at once.
 * @module
 */

/** The interface that a file and stdout share. */
export interface ByteWriter {
  write(bytes: Uint8Array): Promise<number>;
}

/** Resolves when the writer has accepted every byte. */
export async function writeAll(writer: ByteWriter, bytes: Uint8Array): Promise<void> {
  for (let offset = 0; offset < bytes.length;) offset += await writer.write(bytes.subarray(offset));
}
