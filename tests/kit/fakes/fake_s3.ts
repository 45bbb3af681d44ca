/**
 * An S3 server on loopback, with buckets in memory: checks signatures (version 4) and what was signed.
 * @module
 */

import { createHash, createHmac } from "node:crypto";

export interface FakeS3Options {
  accessKey: string;
  secretKey: string;
}

export interface StoredObject {
  bytes: Uint8Array<ArrayBuffer>;
  headers: Headers;
}

export interface FakeS3 extends AsyncDisposable {
  url: string;
  port: number;
  /** By `/bucket/key`. */
  objects: Map<string, StoredObject>;
  /** Why requests were refused. */
  refusals: string[];
}

export function startFakeS3(options: FakeS3Options): FakeS3 {
  const objects = new Map<string, StoredObject>();
  const refusals: string[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    const bytes = new Uint8Array(await request.arrayBuffer());
    const wrong = checkSignature(request, bytes, options);
    if (wrong !== null) {
      refusals.push(wrong);
      return failure(403, "SignatureDoesNotMatch", wrong);
    }
    return answer(request, bytes, objects);
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    port: server.addr.port,
    objects,
    refusals,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

function answer(request: Request, bytes: Uint8Array<ArrayBuffer>, objects: Map<string, StoredObject>): Response {
  const { pathname, searchParams } = new URL(request.url);
  const path = decodeURIComponent(pathname);
  if (request.method === "PUT") {
    objects.set(path, { bytes, headers: request.headers });
    return new Response(null, { headers: { etag: etagOf(bytes) } });
  }
  if (searchParams.get("list-type") === "2") {
    const bucket = `${path.replace(/\/$/, "")}/`;
    const keys = [...objects.keys()].filter((key) => key.startsWith(bucket)).map((key) => key.slice(bucket.length));
    const contents = keys.map((key) => `<Contents><Key>${key}</Key></Contents>`).join("");
    return xml(200, `<ListBucketResult><KeyCount>${keys.length}</KeyCount>${contents}</ListBucketResult>`);
  }
  const found = objects.get(path);
  if (found === undefined) return failure(404, "NoSuchKey", "The specified key does not exist.");
  return new Response(found.bytes, { headers: { etag: etagOf(found.bytes) } });
}

function etagOf(bytes: Uint8Array): string {
  return `"${createHash("md5").update(bytes).digest("hex")}"`;
}

function failure(status: number, code: string, message: string): Response {
  return xml(status, `<Error><Code>${code}</Code><Message>${message}</Message></Error>`);
}

function xml(status: number, body: string): Response {
  return new Response(`<?xml version="1.0" encoding="UTF-8"?>${body}`, {
    status,
    headers: { "content-type": "application/xml" },
  });
}

/** What is wrong with a request's signature, or null. */
function checkSignature(request: Request, bytes: Uint8Array, { accessKey, secretKey }: FakeS3Options): string | null {
  const authorization = request.headers.get("authorization") ?? "";
  const match =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/s3\/aws4_request, SignedHeaders=([^,]+), Signature=(\w{64})$/
      .exec(authorization);
  if (match === null) return `the Authorization header is "${authorization}"`;
  const [, key = "", day = "", region = "", names = "", signature] = match;
  if (key !== accessKey) return `the access key is ${key}`;
  const digest = request.headers.get("x-amz-content-sha256") ?? "";
  if (digest !== sha256(bytes)) return "the body is not the one that was signed";
  const { pathname, searchParams } = new URL(request.url);
  const query = [...searchParams].map(([name, value]) => `${encode(name)}=${encode(value)}`).sort().join("&");
  const headers = names.split(";").map((name) => `${name}:${request.headers.get(name)?.trim()}\n`).join("");
  const canonical = [request.method, pathname, query, headers, names, digest].join("\n");
  const at = request.headers.get("x-amz-date") ?? "";
  const scope = `${day}/${region}/s3/aws4_request`;
  const toSign = ["AWS4-HMAC-SHA256", at, scope, sha256(canonical)].join("\n");
  const secret = [day, region, "s3", "aws4_request"].reduce<string | Uint8Array>(hmac, `AWS4${secretKey}`);
  if (hmac(secret, toSign).toString("hex") !== signature) return `the signature is wrong for\n${canonical}`;
  return ["host", "x-amz-date"].every((name) => names.split(";").includes(name)) ? null : `only ${names} are signed`;
}

function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function sha256(data: string | Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}

function hmac(key: string | Uint8Array, data: string) {
  return createHmac("sha256", key).update(data).digest();
}
