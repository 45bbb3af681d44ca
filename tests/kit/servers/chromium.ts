/**
 * A page in a real browser: headless Chromium, from the system's package.
 * @module
 */

import { temporaryFolder } from "../temporary_folder.ts";
import { killChild } from "./kill_child.ts";
import { findProgram, onPath } from "./server_process.ts";

const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-dev-shm-usage",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  // Nothing listens there: the page has no other network than this machine.
  "--proxy-server=127.0.0.1:9",
  "--proxy-bypass-list=127.0.0.1;localhost",
];

/** Where it may be: systems have it under several names. */
export const CHROMIUM_PLACES = [
  ...["chromium", "chromium-browser", "google-chrome"].flatMap(onPath),
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
];

/** Rejects with the name of the package when there is none. */
export function findChromium(): Promise<string> {
  return findProgram(CHROMIUM_PLACES, "Chromium (Debian: apt-get install chromium)");
}

/** Opens the address and keeps the page open until disposed. */
export async function openInChromium(url: string): Promise<AsyncDisposable> {
  const folder = await temporaryFolder();
  const child = new Deno.Command(await findChromium(), {
    // With a port for debugging, headless Chromium stays; without, it ends when the page is loaded.
    args: [...FLAGS, "--remote-debugging-port=0", `--user-data-dir=${folder.path}`, url],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  return {
    async [Symbol.asyncDispose]() {
      killChild(child, "SIGTERM");
      await child.status;
      // Its helpers end a moment later, and may still write.
      for (let tries = 0;; tries++) {
        try {
          await folder[Symbol.asyncDispose]();
          return;
        } catch (error) {
          if (tries === 50) throw error;
          await new Promise((resolve) => setTimeout(resolve, 100));
        }
      }
    },
  };
}
