/**
 * Serves posthog-js itself: pages with PostHog's snippet load it from the address to which they send their events.
 * @module
 */

import { type Context, Hono } from "hono";
import { getPackages, PackageError } from "../../packages/get_packages.ts";
import { PACKAGE_GROUPS } from "../../packages/package_groups.ts";
import type { ConnectionInfo } from "../arrival.ts";
import { remoteConfigScript } from "./remote_config.ts";

const CACHE_SECONDS = 4 * 3600;
/** `array.js` and the scripts that it loads later, preceded by a version when versioning is strict. */
const NAME = /^(?:\d+\.\d+\.\d+\/)?([a-z0-9-]+(?:\.[a-z0-9-]+){0,2}\.js)$/;

/** Stands in for PostHog's toolbar, which belongs to PostHog's own pages. */
const TOOLBAR = `window.ph_load_toolbar = function () {
  console.warn("The toolbar needs a PostHog behind the project: see docs/IN_FRONT_OF_POSTHOG.md of Hogpen");
};
`;

/** How long, in milliseconds, a missing package is not requested again: pages ask all the time. */
const AWAY_MS = 60_000;

/**
 * Serves `/static/array.js` and its parts from the locked version of posthog-js. The first page waits until the package
 * has been downloaded.
 */
export function createSdkScript(): Hono<{ Bindings: ConnectionInfo }> {
  const app = new Hono<{ Bindings: ConnectionInfo }>({ strict: false });
  const fetched = fetchOnce();
  app.get("/static/:name{.+}", async (context) => {
    const name = NAME.exec(context.req.param("name"))?.[1];
    if (name === "toolbar.js") return scriptAnswer(TOOLBAR);
    return name === undefined ? context.notFound() : await answer(context, name);
  });
  // The script preceded by the project's configuration, in one request.
  app.get("/array/:token/array.js", (context) => answer(context, "array.js", context.req.param("token")));

  async function answer(context: Context, name: string, token?: string): Promise<Response> {
    const away = await fetched();
    if (away !== null) return context.text(away, 503, { "retry-after": String(AWAY_MS / 1000) });
    const script = await readScript(name);
    if (script === null) return context.notFound();
    return token === undefined ? scriptAnswer(script) : scriptAnswer(new Blob([remoteConfigScript(token), script]));
  }
  return app;
}

function scriptAnswer(script: BodyInit): Response {
  return new Response(script, {
    headers: {
      "content-type": "application/javascript; charset=utf-8",
      "cache-control": `public, max-age=${CACHE_SECONDS}`,
      // The scripts are public: any page may load them, without credentials.
      "access-control-allow-origin": "*",
    },
  });
}

/** Resolves with null when the package is there, otherwise with the reason why not. */
function fetchOnce(): () => Promise<string | null> {
  let fetching: Promise<string | null> | undefined;
  return () =>
    fetching ??= getPackages(PACKAGE_GROUPS.scripts, { purpose: "for the pages that load it" }).then(
      () => null,
      (error) => {
        if (!(error instanceof PackageError)) throw error;
        Deno.unrefTimer(setTimeout(() => fetching = undefined, AWAY_MS));
        return error.message;
      },
    );
}

/** The file, or null when posthog-js has none of this name. The check of the name keeps it inside the folder. */
async function readScript(name: string): Promise<Uint8Array<ArrayBuffer> | null> {
  try {
    return await Deno.readFile(new URL(name, import.meta.resolve("posthog-js/dist/array.js")));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof TypeError) return null;
    throw error;
  }
}
