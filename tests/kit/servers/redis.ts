/**
 * A private Redis for tests and benchmarks.
 * @module
 */

import { findProgram, freePort, onPath, type PrivateServer, startServer } from "./server_process.ts";

/** Starts Redis; what it holds survives `kill` and `start`. */
export async function startRedis(): Promise<PrivateServer> {
  const command = await findProgram(onPath("redis-server"), "redis-server (Debian: apt-get install redis-server)");
  const port = freePort();
  const folder = await Deno.makeTempDir({ prefix: "hogpen_redis_" });
  const args = [
    `--port ${port}`,
    "--bind 127.0.0.1",
    `--dir ${folder}`,
    `--logfile ${folder}/redis.log`,
    "--appendonly yes",
  ]
    .flatMap((option) => option.split(" "));
  return await startServer({
    name: "Redis",
    url: `redis://127.0.0.1:${port}`,
    port,
    folder,
    command,
    args: [...args, "--save", ""],
    isReady: () => answersPing(port),
  });
}

async function answersPing(port: number): Promise<boolean> {
  try {
    using connection = await Deno.connect({ hostname: "127.0.0.1", port });
    await connection.write(new TextEncoder().encode("PING\r\n"));
    const answer = new Uint8Array(64);
    const length = await connection.read(answer);
    return new TextDecoder().decode(answer.subarray(0, length ?? 0)).startsWith("+PONG");
  } catch {
    return false;
  }
}
