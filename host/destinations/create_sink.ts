/**
 * Builds a destination from its configuration: its sink, its batching and its filter.
 * @module
 */

import type { DestinationConfig } from "../config/config.ts";
import type { Batching, EventFilter, Sink } from "../consumers/sink.ts";
import { toBatching } from "./batching_options.ts";
import { destinationOptions } from "./destination_options.ts";
import { createEventFilter } from "./event_filter.ts";
import { createNdjsonSink } from "./ndjson/ndjson_sink.ts";
import { PosthogSink } from "./posthog/posthog_sink.ts";
import { PostgresSink } from "./postgres/postgres_sink.ts";
import { WebhookSink } from "./webhook/webhook_sink.ts";

export interface Destination {
  sink: Sink;
  batching: Batching;
  /** Null when the destination wants every event. */
  filter: EventFilter | null;
}

export interface DestinationDeps {
  /** The project whose events go there. */
  project: { id: number; token: string };
  now?: () => number;
}

/**
 * Creates the sink without opening a connection; the first delivery does. Throws a ZodError when the options are
 * invalid.
 */
export function createSink(config: DestinationConfig, deps: DestinationDeps): Destination {
  const filter = createEventFilter(config.filter);
  switch (config.type) {
    case "posthog": {
      const options = destinationOptions.posthog.parse(config.options);
      const sink = new PosthogSink(options, { projectToken: deps.project.token, now: deps.now });
      return { sink, batching: toBatching(options.batch), filter };
    }
    case "postgres": {
      const options = destinationOptions.postgres.parse(config.options);
      return { sink: new PostgresSink(options), batching: toBatching(options.batch), filter };
    }
    case "webhook": {
      const options = destinationOptions.webhook.parse(config.options);
      const sink = new WebhookSink(options, { destinationId: `${deps.project.id}/${config.id}`, now: deps.now });
      return { sink, batching: toBatching(options.batch), filter };
    }
    case "ndjson": {
      const options = destinationOptions.ndjson.parse(config.options);
      return { sink: createNdjsonSink(options), batching: toBatching(options.batch), filter };
    }
  }
}
