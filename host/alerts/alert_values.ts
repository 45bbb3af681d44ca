/**
 * The rules of alerts, and the channels by which people are told.
 * @module
 */

import { z } from "zod";

export const RULE_KINDS = [
  "plugin_disabled",
  "failing_rate",
  "lag",
  "dead_letters",
  "consumer_failing",
  "log_full",
  "upstream_away",
  "events_wait",
] as const;

export const alertRule = z.strictObject({
  id: z.string().regex(/^[a-z0-9_-]{1,50}$/, "expected 1 to 50 of a-z, 0-9, _ and -"),
  when: z.enum(RULE_KINDS),
  enabled: z.boolean().default(true),
  team_id: z.int().nullable().default(null).describe("Null: of every project."),
  threshold: z.number().min(0).default(0)
    .describe(
      "Percent of events for failing_rate and of its bound for log_full, seconds for lag, letters for dead_letters.",
    ),
  minutes: z.number().min(1).max(1440).default(5).describe(
    "For failing_rate, dead_letters, upstream_away and events_wait.",
  ),
  channels: z.array(z.string()).default([]).describe(
    "Ids of channels; without one it is shown in the interface alone.",
  ),
});
export type AlertRule = z.infer<typeof alertRule>;

const id = alertRule.shape.id;
export const alertChannel = z.discriminatedUnion("type", [
  z.strictObject({ id, type: z.literal("webhook"), url: z.url({ protocol: /^https?$/ }) }),
  z.strictObject({
    id,
    type: z.literal("smtp"),
    host: z.string().min(1),
    port: z.int().min(1).max(65_535).default(587),
    tls: z.boolean().default(false).describe("From the first byte, as on port 465; else STARTTLS where it is offered."),
    user: z.string().optional(),
    password: z.string().optional(),
    from: z.string().min(3),
    to: z.array(z.string().min(3)).min(1).max(50),
  }),
]);
export type AlertChannel = z.infer<typeof alertChannel>;

/** The rules that apply unless an operator changed them. A stored rule with the same id replaces the default. */
export const DEFAULT_RULES: AlertRule[] = [
  { id: "plugin-disabled", when: "plugin_disabled", threshold: 0, minutes: 5 },
  { id: "plugin-failing", when: "failing_rate", threshold: 50, minutes: 5 },
  { id: "consumer-behind", when: "lag", threshold: 600, minutes: 5 },
  { id: "dead-letters", when: "dead_letters", threshold: 100, minutes: 60 },
  { id: "log-full", when: "log_full", threshold: 80, minutes: 5 },
  { id: "upstream-away", when: "upstream_away", threshold: 0, minutes: 2 },
  { id: "events-wait", when: "events_wait", threshold: 0, minutes: 1 },
].map((rule) => alertRule.parse(rule));
