/**
 * posthog-js itself: pages with PostHog's snippet load it from the address that they send their events to.
 * @module
 */

import { Hono } from "hono";
import type { ConnectionInfo } from "../capture.ts";

const CACHE_SECONDS = 4 * 3600;
/** `array.js`, and what it loads later, with its version before it when versioning is strict. */
const NAME = /^(?:\d+\.\d+\.\d+\/)?([a-z-]+(?:\.[a-z-]+)?\.js)$/;

/** `/static/array.js` and its further parts, from the posthog-js that the service was installed with. */
export function createSdkScript(): Hono<{ Bindings: ConnectionInfo }> {
  const app = new Hono<{ Bindings: ConnectionInfo }>({ strict: false });
  app.get("/static/:name{.+}", async (context) => {
    const name = NAME.exec(context.req.param("name"))?.[1];
    const script = name === undefined ? null : await readScript(name);
    if (script === null) return context.notFound();
    return new Response(script, {
      headers: {
        "content-type": "application/javascript; charset=utf-8",
        "cache-control": `public, max-age=${CACHE_SECONDS}`,
        // Scripts are the same for everybody: no credentials, any page.
        "access-control-allow-origin": "*",
      },
    });
  });
  return app;
}

/** The file, or null when posthog-js has none of this name (or is not installed). The name is checked: no way out of the folder. */
async function readScript(name: string): Promise<Uint8Array<ArrayBuffer> | null> {
  try {
    return await Deno.readFile(new URL(name, import.meta.resolve("posthog-js/dist/array.js")));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof TypeError) return null;
    throw error;
  }
}
