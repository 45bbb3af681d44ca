/**
 * A private nginx for tests and benchmarks.
 * @module
 */

import { findProgram, freePort, onPath, type PrivateServer, startServer } from "./server_process.ts";

/** Where it may be: Debian has it out of the PATH of users. */
export const NGINX_PLACES = [...onPath("nginx"), "/usr/sbin/nginx"];

/** Starts nginx with one worker. `servers` are the blocks of its `http`, given the port that it is to listen on. */
export async function startNginx(servers: (port: number) => string): Promise<PrivateServer> {
  const command = await findProgram(NGINX_PLACES, "nginx (Debian: apt-get install nginx)");
  const port = freePort();
  const folder = await Deno.makeTempDir({ prefix: "hogpen_nginx_" });
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((name) => `${name}_temp_path ${folder}/${name};`).join(" ");
  // The worker of a master that root started is another user, who has no way into the folder.
  await Deno.chmod(folder, 0o777);
  await Deno.writeTextFile(
    `${folder}/nginx.conf`,
    `daemon off; master_process off; worker_processes 1; pid ${folder}/pid; error_log ${folder}/error.log;
events { worker_connections 4096; }
http { access_log off; ${temporary} client_max_body_size 64m; keepalive_requests 1000000; ${servers(port)} }
`,
  );
  return await startServer({
    name: "nginx",
    url: `http://127.0.0.1:${port}`,
    port,
    folder,
    command,
    args: ["-c", `${folder}/nginx.conf`, "-e", `${folder}/error.log`],
    isReady: () => isListening(port),
  });
}

async function isListening(port: number): Promise<boolean> {
  try {
    using _connection = await Deno.connect({ hostname: "127.0.0.1", port });
    return true;
  } catch {
    return false;
  }
}
