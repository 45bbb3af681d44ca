/**
 * Serves the operator's page at /_hogpen/. When it is first opened, its packages are fetched and its script is built.
 * @module
 */

import { Hono } from "hono";
import type { ArrivalOf, ConnectionInfo } from "../../capture/arrival.ts";
import { loadWith } from "../../packages/load_with.ts";
import { readKeptUi } from "./kept_ui.ts";
import { PACKAGE_GROUPS } from "../../packages/package_groups.ts";
import { reportTrouble } from "../../trouble.ts";

/** `readonly` hides the controls; what somebody may change depends on their token. */
export type UiMode = "edit" | "readonly" | "off";

const HEADERS = {
  "content-security-policy":
    "default-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cache-control": "no-cache",
};

export function createUiRoutes(mode: UiMode, arrivalOf: ArrivalOf): Hono<{ Bindings: ConnectionInfo }> {
  const routes = new Hono<{ Bindings: ConnectionInfo }>({ strict: false });
  if (mode === "off") return routes;
  let built: Promise<Map<string, string>> | null = null;

  async function load(): Promise<Map<string, string>> {
    if (Deno.build.standalone) return await readKeptUi();
    const { buildUi } = await loadWith<typeof import("./build_ui.ts")>(
      [...PACKAGE_GROUPS.bundle, ...PACKAGE_GROUPS.ui],
      new URL("build_ui.ts", import.meta.url),
      { purpose: "for the web page" },
    );
    return await buildUi();
  }

  routes.get("/", ({ req, env }) => {
    const { prefix } = arrivalOf(req.raw, env);
    return new Response(null, { status: 302, headers: { location: `${prefix}/_hogpen/` } });
  });
  routes.get("/_hogpen", ({ req, env }) => answer(page(mode, arrivalOf(req.raw, env).prefix), "text/html"));
  routes.get("/_hogpen/ui/:file", async ({ req }) => {
    try {
      const file = req.param("file");
      const text = (await (built ??= load())).get(file);
      if (text === undefined) return new Response("There is no such part of the page", { status: 404 });
      return answer(text, file.endsWith(".css") ? "text/css" : "text/javascript");
    } catch (error) {
      // The next visit tries again, because the registry may have been unavailable only briefly.
      built = null;
      reportTrouble("Cannot build the web page", error);
      return new Response("Cannot build the web page; the service's output says why", { status: 503 });
    }
  });
  return routes;
}

function answer(body: string, type: string): Response {
  return new Response(body, { headers: { ...HEADERS, "content-type": `${type}; charset=utf-8` } });
}

function page(mode: UiMode, prefix: string): string {
  return `<!doctype html>
<html lang="en" data-mode="${mode}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Hogpen</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="${prefix}/_hogpen/ui/app.css">
<script type="module" src="${prefix}/_hogpen/ui/main.js"></script>
</head>
<body><div id="app"></div><noscript>This page needs JavaScript.</noscript></body>
</html>
`;
}
