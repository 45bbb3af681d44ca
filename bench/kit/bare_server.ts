/**
 * The least that a server in Deno can do with a request: read it and say 200. Prints its port.
 * @module
 */

Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: ({ port }) => console.log(port) }, async (request) => {
  await request.arrayBuffer();
  return new Response('{"status":1}', { headers: { "content-type": "application/json" } });
});
