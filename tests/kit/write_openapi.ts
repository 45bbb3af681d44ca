/**
 * Writes docs/openapi.json: `deno task openapi`.
 * @module
 */

import { VERSION } from "../../host/version.ts";
import { startApi } from "./api_service.ts";

export const OPENAPI_FILE = new URL("../../docs/openapi.json", import.meta.url);

/** What the service of this version answers to GET /api/openapi.json. */
export async function openApiOfThisVersion(): Promise<unknown> {
  await using api = await startApi({ version: VERSION });
  return await (await api.app.request("/_hogpen/api/openapi.json")).json();
}

if (import.meta.main) {
  await Deno.writeTextFile(OPENAPI_FILE, JSON.stringify(await openApiOfThisVersion(), null, 2) + "\n");
}
