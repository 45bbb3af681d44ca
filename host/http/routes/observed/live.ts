/**
 * One stream of server-sent events with everything that changes.
 * @module
 */

import { z } from "zod";
import { openEventStream } from "../../live/event_stream.ts";
import { type LiveFeed, TOPICS } from "../../live/live_feed.ts";
import { ApiError } from "../../api_error.ts";
import { type Route, route } from "../../route.ts";
import { idIn } from "../../schemas.ts";

/** Each reader costs a connection and a little work for each message. */
const MOST_READERS = 200;

const topicsIn = z.string().transform((text) => text.split(",").map((topic) => topic.trim()))
  .pipe(z.array(z.enum(TOPICS))).describe(
    `One or more of ${TOPICS.join(", ")}, with commas between them; all when absent.`,
  );

export function liveRoutes(feed: LiveFeed): Route[] {
  return [
    route({
      method: "GET",
      path: "/_hogpen/api/live",
      summary:
        "What changes, as server-sent events. The header Last-Event-ID resumes; `reset` says that something was missed",
      query: {
        topics: topicsIn.optional(),
        plugin_config_id: idIn.optional(),
        team_id: idIn.optional(),
        last_event_id: idIn.optional().describe("Instead of the header."),
      },
      response: z.unknown().describe("The event's name is the topic, its data JSON."),
      answerType: "text/event-stream",
      errors: { 503: "Too many readers" },
      handle({ query, request }) {
        if (feed.readers >= MOST_READERS) {
          throw new ApiError(503, "server_error", "too_many_readers", `${MOST_READERS} pages are open already`);
        }
        const header = request.headers.get("last-event-id");
        const last = header !== null && /^\d{1,15}$/.test(header) ? Number(header) : query.last_event_id ?? null;
        const filter = {
          topics: new Set(query.topics ?? TOPICS),
          ...(query.plugin_config_id !== undefined && { pluginConfigId: query.plugin_config_id }),
          ...(query.team_id !== undefined && { teamId: query.team_id }),
        };
        return Promise.resolve(openEventStream(feed, filter, last));
      },
    }),
  ];
}
