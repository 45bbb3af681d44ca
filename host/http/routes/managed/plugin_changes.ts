/**
 * Creating, changing, removing, ordering and restarting plugin configs, and their earlier revisions.
 * @module
 */

import { z } from "zod";
import type { Elsewhere } from "../../../config/host_role.ts";
import { pluginEntry } from "../../../managed/managed_values.ts";
import type { ManagedPlugin } from "../../../managed/thing_codec.ts";
import { conflict, invalidInput, notFound } from "../../api_error.ts";
import { maskConfig } from "../../mask_config.ts";
import { type Route, route } from "../../route.ts";
import { DONE, doneOut, idIn, listOf, pageIn, pageOf, timeOut } from "../../schemas.ts";
import { findPlugin, pluginConfigOut, type Plugins, showPlugin } from "../plugin_configs.ts";
import { auditedPlugin } from "./audited_plugin.ts";
import { keepSecrets } from "./dry_run.ts";
import { contextOf, type ManagedApi, requireDone, requireManagedPlugin, unreadablePlugin } from "./managed_api.ts";

export const sourceIn = z.union([
  z.strictObject({ url: z.string().regex(/^https?:\/\//i, "expected an address of GitHub, GitLab or npm") }),
  z.strictObject({ inline: z.string().min(1).max(500_000), name: z.string().min(1).max(200).optional() }),
  z.strictObject({ upload: z.string().regex(/^[0-9a-f]{64}$/, "expected the id of an upload") }),
]).describe("From an address, code itself, or an archive that was uploaded.");

const shape = pluginEntry.shape;
const changeIn = z.strictObject({
  source: sourceIn.optional(),
  enabled: z.boolean().optional(),
  order: z.number().optional(),
  config: z.record(z.string(), z.unknown()).optional()
    .describe("The whole of it; a secret's placeholder keeps the value that is set."),
  timeoutSeconds: shape.timeoutSeconds,
  memoryMb: shape.memoryMb,
  egress: z.strictObject({ allow: z.array(z.string()) }).optional(),
  cell: shape.cell.unwrap().optional(),
});
const createIn = changeIn.extend({
  team_id: z.int(),
  source: sourceIn,
  enabled: z.boolean().default(false).describe("Off at first: look at what it can do before it sees events."),
});

const revisionOut = z.object({
  version: z.number(),
  until: timeOut.describe("When it was written; it held until the next change."),
  changed_by: z.string(),
  source: z.string(),
  enabled: z.boolean(),
  config: z.record(z.string(), z.unknown()),
});

const params = { id: idIn };
const errors = {
  404: "No such plugin config",
  409: "It stands in the configuration file",
  412: "Changed since it was read",
};

export interface PluginChangeRoutesOptions {
  plugins: Plugins;
  managed: ManagedApi;
  elsewhere: Pick<Elsewhere, "plugins">;
}

export function pluginChangeRoutes({ plugins, managed, elsewhere }: PluginChangeRoutesOptions): Route[] {
  const { things } = managed;
  const show = (id: number) => showPlugin(findPlugin(plugins, id));
  const current = (id: number): ManagedPlugin => {
    requireManagedPlugin(managed, id);
    const found = things.current().plugins.get(id);
    if (found === undefined) throw notFound(`There is no plugin config ${id}`);
    return found.value;
  };

  async function checkEntry(given: Record<string, unknown>): Promise<ManagedPlugin["entry"]> {
    const result = pluginEntry.safeParse(given);
    if (result.success) return await Promise.resolve(result.data);
    const [issue] = result.error.issues;
    throw invalidInput(`${issue?.path.join(".")}: ${issue?.message}`, issue?.path.join(".") ?? null);
  }

  async function sourceOf(source: z.infer<typeof sourceIn>) {
    if ("url" in source) return { source: source.url, archive: null };
    if ("inline" in source) return { source: source as { inline: string }, archive: null };
    if (await things.getBlob(source.upload) === null) throw notFound(`There is no upload ${source.upload}`);
    return { source: `upload:${source.upload}`, archive: source.upload };
  }

  async function save(plugin: ManagedPlugin, context: Parameters<typeof things.putPlugin>[1]): Promise<number> {
    const version = requireDone(
      await things.putPlugin(plugin, context),
      `plugin config ${plugin.id}`,
      () => show(plugin.id),
    );
    await managed.apply();
    return version;
  }

  return [
    route({
      method: "POST",
      path: "/_hogpen/api/plugin_configs",
      summary: "Installs a plugin into a project, switched off unless said otherwise",
      body: createIn,
      response: pluginConfigOut,
      errors: { 400: "A value that will not do", 404: "No such project or upload" },
      audit: "self",
      version: ({ version }) => version ?? 0,
      async handle({ body: { team_id: teamId, source, ...rest }, actor }) {
        const known = [...managed.file().config.projects.map(({ id }) => id), ...things.current().projects.keys()];
        if (!known.includes(teamId)) throw notFound(`There is no project ${teamId}`);
        const from = await sourceOf(source);
        const entry = await checkEntry({ ...rest, source: from.source });
        const plugin = { id: things.nextId("plugin"), teamId, archive: from.archive, attachments: {}, entry };
        await save(plugin, contextOf(actor, "create", 0, null, auditedPlugin(plugin)));
        return show(plugin.id);
      },
    }),
    route({
      method: "PATCH",
      path: "/_hogpen/api/plugin_configs/{id}",
      summary: "Changes a plugin config: its source, configuration, limits, whether it runs; what is left out stays",
      params,
      body: changeIn,
      response: pluginConfigOut,
      errors: { 400: "A value that will not do", ...errors },
      audit: "self",
      version: ({ version }) => version ?? 0,
      async handle({ params: { id }, body: { source, config, ...rest }, actor, ifMatch }) {
        const before = current(id);
        const from = source === undefined ? null : await sourceOf(source);
        const entry = await checkEntry({
          ...before.entry,
          ...rest,
          ...(from && { source: from.source }),
          ...(config && { config: keepSecrets(config, before.entry.config) }),
        });
        const after = { ...before, entry, archive: from === null ? before.archive : from.archive };
        await save(after, contextOf(actor, "change", ifMatch, auditedPlugin(before), auditedPlugin(after)));
        return show(id);
      },
    }),
    route({
      method: "DELETE",
      path: "/_hogpen/api/plugin_configs/{id}",
      summary: "Removes a plugin config; its storage stays, in case it is made again",
      params,
      response: doneOut,
      errors,
      audit: "self",
      async handle({ params: { id }, actor, ifMatch }) {
        const before = unreadablePlugin(managed, id) === null ? auditedPlugin(current(id)) : null;
        const context = contextOf(actor, "delete", ifMatch, before, null);
        const showNow = () => before && show(id);
        requireDone(await things.remove("plugin", String(id), context), `plugin config ${id}`, showNow);
        await managed.apply();
        return DONE;
      },
    }),
    route({
      method: "POST",
      path: "/_hogpen/api/plugin_configs/{id}/restart",
      summary: "Loads a plugin anew and starts it in a new cell",
      params,
      response: doneOut,
      errors: { 404: errors[404], 409: "This host runs no plugins" },
      async handle({ params: { id } }) {
        findPlugin(plugins, id);
        if (elsewhere.plugins !== null) throw conflict(elsewhere.plugins);
        await managed.apply(new Set([id]));
        return DONE;
      },
    }),
    route({
      method: "POST",
      path: "/_hogpen/api/projects/{id}/order",
      summary: "Puts plugin configs of a project in this order; those of the file keep theirs",
      params,
      body: z.strictObject({ plugin_configs: z.array(z.int()).min(1).max(1000) }),
      response: doneOut,
      errors: { 404: "No such plugin config", 409: "It would move one of the configuration file" },
      audit: "self",
      async handle({ params: { id: teamId }, body: { plugin_configs: ids }, actor }) {
        let last = -Infinity;
        const moves: ManagedPlugin[] = [];
        for (const id of ids) {
          const view = findPlugin(plugins, id);
          if (view.config.teamId !== teamId) throw notFound(`Project ${teamId} has no plugin config ${id}`);
          const own = things.current().plugins.get(id)?.value;
          if (own === undefined && view.config.order < last) requireManagedPlugin(managed, id);
          const order = own === undefined ? view.config.order : Math.max(last + 1, own.entry.order);
          last = Number.isFinite(order) ? order : 0;
          if (own !== undefined && own.entry.order !== last) {
            moves.push({ ...own, entry: { ...own.entry, order: last } });
          }
        }
        for (const plugin of moves) {
          const before = { order: things.current().plugins.get(plugin.id)?.value.entry.order };
          await things.putPlugin(plugin, contextOf(actor, "order", null, before, { order: plugin.entry.order }));
        }
        if (moves.length > 0) await managed.apply();
        return DONE;
      },
    }),
    route({
      method: "GET",
      path: "/_hogpen/api/plugin_configs/{id}/revisions",
      summary: "What a plugin config was before its changes, newest first",
      params,
      query: pageIn(20),
      response: listOf(revisionOut),
      errors: { 404: errors[404], 409: errors[409] },
      async handle({ params: { id }, query }) {
        current(id);
        const { manifest } = findPlugin(plugins, id);
        const { results: revisions, next } = pageOf(await things.revisions(id), query);
        const results = revisions.map(({ version, at, actor, plugin }) => ({
          version,
          until: at,
          changed_by: actor,
          source: String(auditedPlugin(plugin).source),
          enabled: plugin.entry.enabled,
          config: maskConfig(plugin.entry.config, manifest),
        }));
        return { results, next };
      },
    }),
    route({
      method: "POST",
      path: "/_hogpen/api/plugin_configs/{id}/roll_back",
      summary: "Makes a plugin config what it was: source, configuration, attachments",
      params,
      body: z.strictObject({ version: z.int() }),
      response: pluginConfigOut,
      errors: { ...errors, 404: "No such plugin config or revision" },
      audit: "self",
      version: ({ version }) => version ?? 0,
      async handle({ params: { id }, body: { version }, actor, ifMatch }) {
        const before = current(id);
        const revision = (await things.revisions(id)).find((revision) => revision.version === version);
        if (revision === undefined) throw notFound(`Plugin config ${id} has no revision ${version}`);
        await save(
          revision.plugin,
          contextOf(actor, "roll_back", ifMatch, auditedPlugin(before), { version, ...auditedPlugin(revision.plugin) }),
        );
        return show(id);
      },
    }),
  ];
}
