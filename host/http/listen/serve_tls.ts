/**
 * A server whose certificate may change while it runs, as those of Let's Encrypt do.
 * @module
 */

import { setTimeout as delay } from "node:timers/promises";
import type { App } from "../app.ts";
import { serve, type ServeOptions, type Server } from "./serve.ts";
import { fingerprintOf, readTlsFiles, type TlsFiles } from "./tls_files.ts";

export interface ServeTlsOptions extends Omit<ServeOptions, "tls"> {
  files: TlsFiles;
  onNotice(message: string): void;
  /** Called when new files cannot be used; the old certificate stays. */
  onTrouble(message: string): void;
  /** How often the files are checked, in milliseconds. Default 2 s. */
  everyMs?: number;
}

/** Throws TlsFilesError when the files cannot be used, and AddrInUse when the port is taken. */
export function serveTls(app: Pick<App, "fetch">, options: ServeTlsOptions): Server {
  const { files, host, reusePort = false, onNotice, onTrouble, everyMs = 2_000 } = options;
  let known = fingerprintOf(files);
  let current = open(options.port);
  const { url, port } = current;
  /** Servers with the old certificate that still have requests to answer. */
  const draining = new Set<Promise<void>>();
  const closed = new AbortController();
  let changing = Promise.resolve();

  function open(at: number): Server {
    return serve(app, { host, port: at, reusePort, tls: readTlsFiles(files) });
  }

  /**
   * The port is free as soon as the old server has stopped listening, a few milliseconds later; connections in between
   * are refused.
   */
  async function change(): Promise<void> {
    // Tried on another port first, so that unusable files do not cost the working server.
    await open(0)[Symbol.asyncDispose]();
    const old = current[Symbol.asyncDispose]();
    draining.add(old);
    void old.finally(() => draining.delete(old));
    while (!closed.signal.aborted) {
      try {
        current = open(port);
        return onNotice("The certificate was changed: new connections get the new one");
      } catch (error) {
        if (!(error instanceof Deno.errors.AddrInUse)) throw error;
        await delay(1);
      }
    }
  }

  async function look(): Promise<void> {
    const found = fingerprintOf(files);
    if (found === known) return;
    known = found;
    await change().catch((error) => onTrouble(error instanceof Error ? error.message : String(error)));
  }

  const timer = setInterval(() => changing = changing.then(look), everyMs);
  return {
    url,
    port,
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      closed.abort();
      await changing;
      await Promise.all([current[Symbol.asyncDispose](), ...draining]);
    },
  };
}
