/**
 * A private Postgres for tests and benchmarks.
 * @module
 */

import postgres from "postgres";
import { findProgram, freePort, onPath, type PrivateServer, startServer } from "./server_process.ts";

export interface PrivatePostgres extends PrivateServer {
  /** Creates an empty database and gives its address. */
  createDatabase(): Promise<string>;
}

export interface PostgresOptions {
  /** Default false: tests end processes, not machines. */
  fsync?: boolean;
}

/** Starts Postgres; what it holds survives `kill` and `start`. */
export async function startPostgres({ fsync = false }: PostgresOptions = {}): Promise<PrivatePostgres> {
  const initdb = await findPostgresProgram("initdb");
  const server = await findPostgresProgram("postgres");
  const isReadyProgram = await findPostgresProgram("pg_isready");
  const port = freePort();
  const folder = await Deno.makeTempDir({ prefix: "hogpen_postgres_" });
  const user = await giveToUnprivilegedUser(folder);
  const data = `${folder}/data`;
  const settings = {
    port,
    listen_addresses: "127.0.0.1",
    unix_socket_directories: folder,
    fsync: fsync ? "on" : "off",
    max_connections: 100,
    logging_collector: "on",
    log_directory: folder,
  };
  await run(
    user(initdb, ["-D", data, "-U", "postgres", "--auth=trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"]),
  );
  const [command, args] = user(server, [
    "-D",
    data,
    ...Object.entries(settings).flatMap(([k, v]) => ["-c", `${k}=${v}`]),
  ]);
  const address = (database: string) => `postgres://postgres@127.0.0.1:${port}/${database}`;
  const started = await startServer({
    name: "Postgres",
    url: address("postgres"),
    port,
    folder,
    command,
    args,
    isReady: () => succeeds(isReadyProgram, ["-q", "-h", "127.0.0.1", "-p", String(port)]),
  });
  let databases = 0;
  return Object.defineProperties({
    async createDatabase() {
      const name = `test_${++databases}`;
      const sql = postgres(address("postgres"), { max: 1, onnotice: () => {} });
      try {
        await sql.unsafe(`CREATE DATABASE ${name}`);
      } finally {
        await sql.end();
      }
      return address(name);
    },
  }, Object.getOwnPropertyDescriptors(started)) as PrivatePostgres;
}

async function findPostgresProgram(name: string): Promise<string> {
  const folders: string[] = [];
  try {
    for await (const entry of Deno.readDir("/usr/lib/postgresql")) folders.push(entry.name);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  const versions = folders.sort((a, b) => Number(b) - Number(a));
  const candidates = [...versions.map((version) => `/usr/lib/postgresql/${version}/bin/${name}`), ...onPath(name)];
  return await findProgram(candidates, "Postgres (Debian: apt-get install postgresql)");
}

type AsUser = (command: string, args: string[]) => [command: string, args: string[]];

/** Postgres refuses to run as root: root runs it as the user `postgres`, or else `nobody`. */
async function giveToUnprivilegedUser(folder: string): Promise<AsUser> {
  if (Deno.uid() !== 0) return (command, args) => [command, args];
  const users = await Deno.readTextFile("/etc/passwd");
  const line = users.split("\n").find((line) => line.startsWith("postgres:")) ??
    users.split("\n").find((line) => line.startsWith("nobody:"));
  const [name, , uid, gid] = line?.split(":") ?? [];
  if (!name || !uid || !gid) {
    throw new Error("Cannot start Postgres: root may not run it, and there is no user postgres or nobody");
  }
  await Deno.chown(folder, Number(uid), Number(gid));
  const setpriv = await findProgram(onPath("setpriv"), "setpriv (Debian: apt-get install util-linux)");
  return (command, args) => [setpriv, [`--reuid=${uid}`, `--regid=${gid}`, "--clear-groups", "--", command, ...args]];
}

async function run([command, args]: [string, string[]]): Promise<void> {
  const { success, stderr } = await new Deno.Command(command, {
    args,
    stdin: "null",
    stdout: "null",
    stderr: "piped",
    cwd: "/",
  })
    .output();
  if (!success) throw new Error(`Cannot run ${command}: ${new TextDecoder().decode(stderr)}`);
}

async function succeeds(command: string, args: string[]): Promise<boolean> {
  return (await new Deno.Command(command, { args, stdin: "null", stdout: "null", stderr: "null" }).output()).success;
}
