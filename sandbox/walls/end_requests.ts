/**
 * Lets a request that was given up be over.
 *
 * Deno 2.9.6 sends a request again when the kept connection that it went out on closes before an answer has come, since
 * the server may have closed an idle connection in that very moment. It does so too when it is the request itself that
 * was destroyed: its caller hears of no error, and the server gets it twice.
 * @module
 */

import type { ClientRequest } from "node:http";
import { require } from "./capture.ts";

/** Mends node:http for every package and for `fetch`. Called before anything is frozen. */
export function endDestroyedRequests(): void {
  const { prototype } = (require("node:http") as typeof import("node:http")).ClientRequest;
  const { destroy } = prototype;
  prototype.destroy = function (this: ClientRequest, error?: Error) {
    // Only a request on a kept connection is sent again.
    this.reusedSocket = false;
    return Reflect.apply(destroy, this, [error]);
  };
}
