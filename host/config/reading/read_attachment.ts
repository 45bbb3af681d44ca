/**
 * Reads the file of an attachment.
 * @module
 */

import { basename, extname } from "node:path";
import type { PluginConfig } from "../config.ts";

type Attachment = PluginConfig["attachments"][string];

/**
 * The bound in bytes of all attachments of a plugin. They are sent to its process in one frame of at most 64 MB, as
 * base64.
 */
export const MAX_ATTACHMENT_BYTES = 44 * 1024 * 1024;

const TYPES: Record<string, string> = {
  ".csv": "text/csv",
  ".gz": "application/gzip",
  ".html": "text/html",
  ".jpeg": "image/jpeg",
  ".jpg": "image/jpeg",
  ".js": "text/javascript",
  ".json": "application/json",
  ".md": "text/markdown",
  ".p12": "application/x-pkcs12",
  ".pdf": "application/pdf",
  ".pem": "application/x-pem-file",
  ".png": "image/png",
  ".txt": "text/plain",
  ".xml": "application/xml",
  ".yaml": "application/yaml",
  ".yml": "application/yaml",
  ".zip": "application/zip",
};

/**
 * The file as a plugin sees it; the content type is guessed from the name. Rejects with a message for the author of the
 * configuration.
 */
export async function readAttachment(path: string): Promise<Attachment> {
  const info = await Deno.stat(path).catch(() => null);
  if (!info?.isFile) throw new Error(`found ${JSON.stringify(path)}, expected a file that exists`);
  if (info.size > MAX_ATTACHMENT_BYTES) {
    throw new Error(`found a file of ${info.size} bytes, expected at most ${MAX_ATTACHMENT_BYTES}`);
  }
  return {
    content_type: TYPES[extname(path).toLowerCase()] ?? "application/octet-stream",
    file_name: basename(path),
    contents: await Deno.readFile(path),
  };
}
