/**
 * Alerts: current ones, their rules, and the channels by which people are told.
 * @module
 */

import { z } from "zod";
import type { AlertBook } from "../../../alerts/alert_book.ts";
import { alertChannel, alertRule } from "../../../alerts/alert_values.ts";
import { hideSecrets } from "../../access/hide_secrets.ts";
import { invalidInput, notFound } from "../../api_error.ts";
import { type Route, route } from "../../route.ts";
import { DONE, doneOut, listOf, pageIn, pageOf, timeOut } from "../../schemas.ts";
import { keepSecrets } from "./dry_run.ts";

const alertOut = z.object({
  rule: z.string(),
  subject: z.string().describe("Such as `plugin_configs/39`."),
  team_id: z.number(),
  message: z.string(),
  since: timeOut,
});
const channelOut = z.looseObject({ id: z.string(), type: z.string() });
const params = { id: alertRule.shape.id };

export function alertRoutes(book: Omit<AlertBook, typeof Symbol.dispose>): Route[] {
  return [
    route({
      method: "GET",
      path: "/_hogpen/api/alerts",
      summary: "What is wrong now by the rules, newest first",
      query: pageIn(100),
      response: listOf(alertOut),
      handle({ query }) {
        const all = book.active().map(({ teamId, ...alert }) => ({ ...alert, team_id: teamId }));
        return Promise.resolve(pageOf(all, query));
      },
    }),
    route({
      method: "GET",
      path: "/_hogpen/api/alert_rules",
      summary: "Rules, those that are there without anybody's doing too",
      query: pageIn(100),
      response: listOf(alertRule),
      handle: async ({ query }) => pageOf(await book.rules(), query),
    }),
    route({
      method: "PUT",
      path: "/_hogpen/api/alert_rules/{id}",
      summary: "Makes or changes a rule",
      params,
      body: alertRule.omit({ id: true }),
      response: alertRule,
      errors: { 400: "A value that will not do" },
      audit: "self",
      async handle({ params: { id }, body, actor }) {
        const rule = { ...body, id };
        await book.putRule(rule, actor.name);
        return rule;
      },
    }),
    route({
      method: "DELETE",
      path: "/_hogpen/api/alert_rules/{id}",
      summary: "Removes a rule; one that is there by itself is switched off instead, by `enabled`",
      params,
      response: doneOut,
      errors: { 404: "No such rule" },
      audit: "self",
      async handle({ params: { id }, actor }) {
        if (!await book.remove("rule", id, actor.name)) throw notFound(`There is no rule ${id} that was made`);
        return DONE;
      },
    }),
    route({
      method: "GET",
      path: "/_hogpen/api/alert_channels",
      summary: "Channels, without their secrets",
      query: pageIn(100),
      response: listOf(channelOut),
      handle: async ({ query }) => pageOf((await book.channels()).map(showChannel), query),
    }),
    route({
      method: "PUT",
      path: "/_hogpen/api/alert_channels/{id}",
      summary: "Makes or changes a channel: a webhook, or e-mail by SMTP",
      params,
      body: z.looseObject({ type: z.string() }),
      response: channelOut,
      errors: { 400: "A value that will not do" },
      audit: "self",
      async handle({ params: { id }, body, actor }) {
        const known = (await book.channels()).find((channel) => channel.id === id);
        const result = alertChannel.safeParse({ ...keepSecrets(body, { ...known }), id });
        if (!result.success) {
          const [issue] = result.error.issues;
          throw invalidInput(`${issue?.path.join(".")}: ${issue?.message}`, issue?.path.join(".") ?? null);
        }
        await book.putChannel(result.data, actor.name);
        return showChannel(result.data);
      },
    }),
    route({
      method: "DELETE",
      path: "/_hogpen/api/alert_channels/{id}",
      summary: "Removes a channel",
      params,
      response: doneOut,
      errors: { 404: "No such channel" },
      audit: "self",
      async handle({ params: { id }, actor }) {
        if (!await book.remove("channel", id, actor.name)) throw notFound(`There is no channel ${id}`);
        return DONE;
      },
    }),
    route({
      method: "POST",
      path: "/_hogpen/api/alert_channels/{id}/test",
      summary: "Sends a test to a channel",
      params,
      response: z.object({ delivered: z.boolean(), detail: z.string().nullable() }),
      errors: { 404: "No such channel" },
      async handle({ params: { id } }) {
        try {
          await book.test(id);
          return { delivered: true, detail: null };
        } catch (error) {
          if (error instanceof RangeError) throw notFound(error.message);
          return { delivered: false, detail: error instanceof Error ? error.message : String(error) };
        }
      },
    }),
  ];
}

/** A webhook's address is often the secret itself. */
function showChannel(channel: z.infer<typeof alertChannel>): z.infer<typeof channelOut> {
  const shown = hideSecrets(channel) as z.infer<typeof channelOut>;
  return channel.type === "webhook" ? { ...shown, url: hideSecrets(channel.url, "webhook") } : shown;
}
