/**
 * The host's side of `meta.geoip`.
 * @module
 */

import { z } from "zod";
import type { GeoipDatabase } from "./geoip_database.ts";
import { checkArguments, text } from "../check_arguments.ts";
import type { PluginServices } from "../services.ts";

/** Longer than any address, in characters. */
const MAX_ADDRESS = 100;

export function createGeoipServices(database: GeoipDatabase): Pick<PluginServices, "geoip.locate"> {
  const schema = z.tuple([text("the address", MAX_ADDRESS)]);
  return {
    "geoip.locate": (args) =>
      Promise.resolve().then(() => database.locate(checkArguments("geoip.locate", schema, args)[0])),
  };
}
