/**
 * The version of the service, from deno.json.
 * @module
 */

import config from "../deno.json" with { type: "json" };

export const VERSION: string = config.version;
