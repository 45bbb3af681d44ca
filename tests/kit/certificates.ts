/**
 * Certificates for localhost, and the authority that signed them.
 * @module
 */

import assert from "node:assert/strict";
import { join } from "node:path";

/** Makes `ca.pem`, and `server.pem` with `server.key` for localhost, which it signed; each time others. */
export async function makeCertificates(folder: string): Promise<void> {
  const key = ["-newkey", "rsa:2048", "-nodes"];
  await openssl(folder, "req", "-x509", ...key, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=Test authority");
  await openssl(folder, "req", ...key, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=localhost");
  await Deno.writeTextFile(join(folder, "names"), "subjectAltName=DNS:localhost");
  const signing = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "names"];
  await openssl(folder, "x509", "-req", "-in", "server.csr", ...signing, "-out", "server.pem");
}

async function openssl(folder: string, ...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command("openssl", { args, cwd: folder, stdin: "null" }).output();
  assert.ok(success, `Cannot make a certificate: install openssl. ${new TextDecoder().decode(stderr)}`);
}
