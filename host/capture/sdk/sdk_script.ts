/**
 * posthog-js itself: pages with PostHog's snippet load it from the address that they send their events to.
 * @module
 */

import { type Context, Hono } from "hono";
import { getPackages, PackageError } from "../../packages/get_packages.ts";
import { PACKAGE_GROUPS } from "../../packages/package_groups.ts";
import type { ConnectionInfo } from "../arrival.ts";
import { remoteConfigScript } from "./remote_config.ts";

const CACHE_SECONDS = 4 * 3600;
/** `array.js`, and what it loads later, with its version before it when versioning is strict. */
const NAME = /^(?:\d+\.\d+\.\d+\/)?([a-z0-9-]+(?:\.[a-z0-9-]+){0,2}\.js)$/;

/** In place of PostHog's toolbar, which is a part of PostHog's own pages. */
const TOOLBAR = `window.ph_load_toolbar = function () {
  console.warn("The toolbar needs a PostHog behind the project: see docs/IN_FRONT_OF_POSTHOG.md of Hogpen");
};
`;

/** How long a package that could not be had is not asked for again: pages ask all the time. */
const AWAY_MS = 60_000;

/**
 * `/static/array.js` and its further parts, from the locked version of posthog-js. The first page that asks waits until
 * the package is there.
 */
export function createSdkScript(): Hono<{ Bindings: ConnectionInfo }> {
  const app = new Hono<{ Bindings: ConnectionInfo }>({ strict: false });
  const fetched = fetchOnce();
  app.get("/static/:name{.+}", async (context) => {
    const name = NAME.exec(context.req.param("name"))?.[1];
    if (name === "toolbar.js") return scriptAnswer(TOOLBAR);
    return name === undefined ? context.notFound() : await answer(context, name);
  });
  // The script with the project's configuration before it, in one request.
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
      // Scripts are the same for everybody: no credentials, any page.
      "access-control-allow-origin": "*",
    },
  });
}

/** Null when the package is there, or why it is not. */
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

/** The file, or null when posthog-js has none of this name. The name is checked: no way out of the folder. */
async function readScript(name: string): Promise<Uint8Array<ArrayBuffer> | null> {
  try {
    return await Deno.readFile(new URL(name, import.meta.resolve("posthog-js/dist/array.js")));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof TypeError) return null;
    throw error;
  }
}
