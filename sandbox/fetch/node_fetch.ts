/**
 * What `require("node-fetch")` gives: fetch itself, with node-fetch's named exports on it. Plugins find the same
 * function as their global `fetch`.
 * @module
 */

import { hardenShared } from "../walls/lockdown.ts";
import { guardedFetch, isRedirect } from "./fetch.ts";
import { AbortError, FetchError } from "./fetch_error.ts";
import { FetchHeaders } from "./fetch_headers.ts";
import { FetchRequest, type RequestOptions } from "./fetch_request.ts";
import { FetchResponse } from "./fetch_response.ts";

const names: [object, string][] = [
  [FetchHeaders, "Headers"],
  [FetchRequest, "Request"],
  [FetchResponse, "Response"],
];
for (const [target, name] of names) Object.defineProperty(target, "name", { value: name });

const exported = {
  AbortError,
  FetchError,
  Headers: FetchHeaders,
  Request: FetchRequest,
  Response: FetchResponse,
  isRedirect,
};

/** The function and module in one, for one plugin. */
export function createNodeFetch(plugin: number): unknown {
  const nodeFetch = Object.assign(
    function fetch(url: unknown, options?: RequestOptions): Promise<FetchResponse> {
      return guardedFetch(plugin, url, options ?? {});
    },
    exported,
  );
  // For compiled code, in which `import fetch from "node-fetch"` has become `require("node-fetch").default`.
  Object.defineProperties(nodeFetch, {
    __esModule: { value: true },
    default: { value: nodeFetch, enumerable: true },
  });
  return hardenShared(nodeFetch);
}
