/**
 * Starts one of the bare servers of this folder, whose first line is its port.
 * @module
 */

import { killChild } from "../../tests/kit/servers/kill_child.ts";

export interface BareServer extends AsyncDisposable {
  url: string;
  pid: number;
}

export async function startBare(script: "bare_server.ts" | "bare_proxy.ts", ...args: string[]): Promise<BareServer> {
  const path = new URL(`./${script}`, import.meta.url).pathname;
  const process = new Deno.Command(Deno.execPath(), { args: ["run", "-A", path, ...args], stdout: "piped" }).spawn();
  const reader = process.stdout.getReader();
  const { value } = await reader.read();
  return {
    url: `http://127.0.0.1:${new TextDecoder().decode(value).trim()}`,
    pid: process.pid,
    async [Symbol.asyncDispose]() {
      killChild(process, "SIGTERM");
      await reader.cancel();
      await process.status;
    },
  };
}
