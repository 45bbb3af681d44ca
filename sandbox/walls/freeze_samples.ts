/**
 * Freezes what the plugins of a cell can reach only through objects that are created for them: native handles,
 * iterators, readers and controllers of streams, keys. One sample of each kind leads to its prototypes.
 * @module
 */

import { Buffer, require } from "./capture.ts";
import { freezeCode } from "./freeze_shared.ts";

// The global object is empty when they are needed.
const {
  AbortController,
  Blob,
  CryptoKey,
  Event,
  FormData,
  Headers,
  Intl,
  ReadableStream,
  Response,
  TransformStream,
  URLSearchParams,
  WritableStream,
} = globalThis;

type Crypto = typeof import("node:crypto");
type Zlib = typeof import("node:zlib");

/** Called before any plugin's code runs, in a cell that has several plugins. */
export function freezeWebSamples(): void {
  for (const make of webSamples()) freezeCode(make());
}

/** Called before any of the plugins gets something of Node's, while the import gate is open. */
export function freezeNodeSamples(): void {
  for (const make of [...cryptoSamples(), ...zlibSamples(), ...networkSamples()]) freezeCode(make());
}

function cryptoSamples(): (() => unknown)[] {
  const crypto = require("node:crypto") as Crypto;
  const key = Buffer.alloc(32);
  const iv = Buffer.alloc(16);
  const used = <Cipher extends { update(data: string): Uint8Array; final(): Uint8Array }>(cipher: Cipher) => {
    cipher.update("x");
    cipher.final();
    return cipher;
  };
  return [
    () => crypto.createHash("sha256").update("x"),
    () => crypto.createHmac("sha256", "x").update("x"),
    () => used(crypto.createCipheriv("aes-256-cbc", key, iv)),
    () => used(crypto.createCipheriv("aes-256-gcm", key, iv)),
    () => crypto.createDecipheriv("aes-256-cbc", key, iv).update(key),
    () => crypto.createDecipheriv("aes-256-cbc", key, iv),
    () => crypto.createSign("sha256").update("x"),
    () => crypto.createVerify("sha256").update("x"),
    () => crypto.createSecretKey(key),
    () => crypto.generateKeyPairSync("ec", { namedCurve: "P-256" }),
    () => crypto.getDiffieHellman("modp1"),
    () => crypto.createECDH("prime256v1"),
  ];
}

function zlibSamples(): (() => unknown)[] {
  const zlib = require("node:zlib") as Zlib;
  zlib.gunzipSync(zlib.gzipSync("x"));
  zlib.brotliDecompressSync(zlib.brotliCompressSync("x"));
  return [
    () => zlib.createGzip(),
    () => zlib.createGunzip(),
    () => zlib.createDeflate(),
    () => zlib.createInflate(),
    () => zlib.createDeflateRaw(),
    () => zlib.createInflateRaw(),
    () => zlib.createUnzip(),
    () => zlib.createBrotliCompress(),
    () => zlib.createBrotliDecompress(),
  ];
}

function webSamples(): (() => unknown)[] {
  const bytes = () => new Blob(["x"]).stream();
  const segments = () => new Intl.Segmenter().segment("a b");
  return [
    () => new Blob(["x"]),
    bytes,
    () => bytes().getReader(),
    () => bytes().getReader({ mode: "byob" }),
    () => bytes().values(),
    () => bytes().tee(),
    () => new ReadableStream().getReader(),
    () => new ReadableStream().values(),
    () => new WritableStream().getWriter(),
    () => new TransformStream(),
    () => new Response("x").body,
    segments,
    () => segments()[Symbol.iterator](),
    () => new AbortController(),
    () => new Event("x"),
    () => new FormData().entries(),
    () => new Headers().entries(),
    () => new URLSearchParams().entries(),
    () => Reflect.get(Buffer, Symbol.species),
    () => CryptoKey.prototype,
  ];
}

function networkSamples(): (() => unknown)[] {
  const net = require("node:net") as typeof import("node:net");
  const tls = require("node:tls") as typeof import("node:tls");
  const http = require("node:http") as typeof import("node:http");
  const { PassThrough } = require("node:stream") as typeof import("node:stream");
  return [
    () => new PassThrough()[Symbol.asyncIterator](),
    () => new net.Socket(),
    () => new tls.TLSSocket(new net.Socket()),
    () => new http.Agent(),
    () => new http.IncomingMessage(new net.Socket()),
    () => http.ClientRequest,
    () => http.ServerResponse,
    () => require("_http_common"),
  ];
}
