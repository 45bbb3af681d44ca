/**
 * A Cloud Storage server on loopback, with objects in memory.
 * @module
 */

import { Buffer } from "node:buffer";
import { googleError } from "./fake_google.ts";

export interface GcsObject {
  bytes: Uint8Array<ArrayBuffer>;
  metadata: Record<string, unknown>;
}

export interface FakeGcs extends AsyncDisposable {
  url: string;
  port: number;
  /** By `bucket/name`. */
  objects: Map<string, GcsObject>;
}

export function startFakeGcs(): FakeGcs {
  const objects = new Map<string, GcsObject>();
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    const body = Buffer.from(await request.arrayBuffer());
    const { pathname, searchParams } = new URL(request.url);
    const upload = /^\/upload\/storage\/v1\/b\/([^/]+)\/o$/.exec(pathname);
    if (upload !== null && request.method === "POST") {
      if (searchParams.get("uploadType") !== "multipart") return googleError(400, "only multipart uploads", "invalid");
      const { metadata, bytes } = readMultipart(request.headers.get("content-type") ?? "", body);
      const name = searchParams.get("name") ?? String(metadata["name"]);
      objects.set(`${upload[1]}/${name}`, { bytes, metadata });
      const size = String(bytes.byteLength);
      return Response.json({ bucket: upload[1], name, size, crc32c: crc32c(bytes), ...metadata });
    }
    const object = /^\/storage\/v1\/b\/([^/]+)\/o\/([^/]+)$/.exec(pathname);
    const name = `${object?.[1]}/${decodeURIComponent(object?.[2] ?? "")}`;
    const found = objects.get(name);
    if (found === undefined) return googleError(404, `No such object: ${name}`, "notFound");
    return searchParams.get("alt") === "media" ? new Response(found.bytes) : Response.json(found.metadata);
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    port: server.addr.port,
    objects,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

/** The two parts of an upload: JSON, then the object's bytes. */
function readMultipart(type: string, body: Buffer): GcsObject {
  const boundary = /boundary="?([^";]+)"?/.exec(type)?.[1] ?? "";
  const parts = body.toString("latin1").split(`--${boundary}`).slice(1, -1).map((part) => {
    const head = part.indexOf("\r\n\r\n");
    return Buffer.from(part.slice(head + 4, -2), "latin1");
  });
  const [json, bytes] = parts;
  if (json === undefined || bytes === undefined) throw new Error(`Cannot read an upload of ${parts.length} parts`);
  return { metadata: JSON.parse(json.toString()), bytes: new Uint8Array(bytes) };
}

/** Base64 of the checksum that the client compares with its own. */
function crc32c(bytes: Uint8Array): string {
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
  }
  const checksum = Buffer.alloc(4);
  checksum.writeUInt32BE(~crc >>> 0);
  return checksum.toString("base64");
}
