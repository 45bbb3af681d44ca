/**
 * What the API and the UI may show of a destination.
 * @module
 */

import type { DestinationConfig } from "../config/config.ts";
import { destinationOptions } from "./destination_options.ts";

export interface DestinationDescription {
  id: string;
  type: DestinationConfig["type"];
  enabled: boolean;
  filter: DestinationConfig["filter"];
  /** Where events go, as text without credentials. */
  target: string;
}

/** Lists field by field what may be shown, so that an option added later stays hidden. */
export function describeDestination(config: DestinationConfig): DestinationDescription {
  const { id, type, enabled, filter } = config;
  return { id, type, enabled, filter, target: targetOf(config) };
}

function targetOf({ type, options }: DestinationConfig): string {
  switch (type) {
    case "posthog":
      return new URL(destinationOptions.posthog.parse(options).host).origin;
    case "webhook":
      // The path or query of a webhook is often the secret itself.
      return new URL(destinationOptions.webhook.parse(options).url).origin;
    case "postgres": {
      const { url, schema, table } = destinationOptions.postgres.parse(options);
      const { host, pathname } = new URL(url);
      return `postgres://${host}${pathname}, table ${schema}.${table}`;
    }
    case "ndjson":
      return destinationOptions.ndjson.parse(options).path;
  }
}
