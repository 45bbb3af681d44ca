/**
 * The schema of addresses in destination options.
 * @module
 */

import { z } from "zod";

/** An http or https address without user name and password, which would appear in logs and which fetch refuses. */
export function httpUrl() {
  return z.url({ protocol: /^https?$/, error: "expected an http or https address" })
    .refine((text) => !URL.canParse(text) || (new URL(text).username === "" && new URL(text).password === ""), {
      error: "expected an address without user name and password",
    });
}
