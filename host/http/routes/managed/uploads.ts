/**
 * Files: archives of plugins, and attachments of plugin configs.
 * @module
 */

import { z } from "zod";
import type { AttachmentValue } from "../../../managed/managed_values.ts";
import type { Actor } from "../../access/access.ts";
import { notFound } from "../../api_error.ts";
import { maskAttachments } from "../../mask_config.ts";
import { readRequestBody } from "../../read_request_body.ts";
import { type Route, route } from "../../route.ts";
import { DONE, doneOut, idIn } from "../../schemas.ts";
import { findPlugin, type Plugins } from "../plugin_configs.ts";
import { contextOf, type ManagedApi, requireDone, requireManagedPlugin } from "./managed_api.ts";

const MAX_BYTES = 32 * 1024 * 1024;
const params = { id: idIn, key: z.string().min(1).max(200) };
const errors = { 404: "No such plugin config or attachment", 409: "It stands in the configuration file" };

export interface UploadRoutesOptions {
  plugins: Plugins;
  managed: ManagedApi;
}

export function uploadRoutes({ plugins, managed }: UploadRoutesOptions): Route[] {
  const { things } = managed;

  async function change(
    id: number,
    key: string,
    put: AttachmentValue | null,
    actor: Actor,
    ifMatch: number | null,
  ) {
    requireManagedPlugin(managed, id);
    const before = things.current().plugins.get(id)?.value;
    if (before === undefined || (put === null && !Object.hasOwn(before.attachments, key))) {
      throw notFound(`There is no attachment ${key} of plugin config ${id}`);
    }
    const action = put === null ? "remove_attachment" : "put_attachment";
    const context = contextOf(actor, action, ifMatch, before.attachments[key] ?? null, { key, ...put });
    const outcome = await things.putPlugin(
      { ...before, attachments: withAttachment(before.attachments, key, put) },
      context,
    );
    requireDone(outcome, `plugin config ${id}`, () => null);
    await managed.apply();
  }

  return [
    route({
      method: "POST",
      path: "/_hogpen/api/uploads",
      summary: "Takes an archive of a plugin (.zip or .tgz) as the body, to be installed by its id",
      takesFile: true,
      response: z.object({ upload: z.string(), bytes: z.number() }),
      errors: { 413: "Too large" },
      async handle({ request }) {
        const bytes = await readRequestBody(request, MAX_BYTES);
        return { upload: await things.putBlob(bytes), bytes: bytes.byteLength };
      },
    }),
    route({
      method: "PUT",
      path: "/_hogpen/api/plugin_configs/{id}/attachments/{key}",
      summary: "Takes a file as the body for a field of type attachment; its name is in ?file_name",
      params,
      query: { file_name: z.string().min(1).max(255).default("file") },
      takesFile: true,
      response: doneOut,
      errors: { ...errors, 412: "Changed since it was read", 413: "Too large" },
      audit: "self",
      async handle({ params: { id, key }, query, request, actor, ifMatch }) {
        requireManagedPlugin(managed, id);
        const bytes = await readRequestBody(request, MAX_BYTES);
        const blob = await things.putBlob(bytes);
        const contentType = request.headers.get("content-type") ?? "application/octet-stream";
        const file = { file_name: query.file_name, content_type: contentType, size: bytes.byteLength, blob };
        await change(id, key, file, actor, ifMatch);
        return DONE;
      },
    }),
    route({
      method: "DELETE",
      path: "/_hogpen/api/plugin_configs/{id}/attachments/{key}",
      summary: "Removes an attachment",
      params,
      response: doneOut,
      errors: { ...errors, 412: "Changed since it was read" },
      audit: "self",
      async handle({ params: { id, key }, actor, ifMatch }) {
        await change(id, key, null, actor, ifMatch);
        return DONE;
      },
    }),
    route({
      method: "GET",
      path: "/_hogpen/api/plugin_configs/{id}/attachments/{key}",
      summary: "The file of an attachment, unless the plugin calls it secret",
      params,
      response: z.unknown().describe("The file itself."),
      answerType: "application/octet-stream",
      errors: { 404: errors[404] },
      handle({ params: { id, key } }) {
        const { config, manifest } = findPlugin(plugins, id);
        const attachment = Object.hasOwn(config.attachments, key) ? config.attachments[key] : undefined;
        const isSecret = maskAttachments(config.attachments, manifest)[key]?.size === -1;
        if (attachment === undefined || isSecret) {
          throw notFound(`There is no attachment ${key} of plugin config ${id} that may be shown`);
        }
        return Promise.resolve(
          new Response(new Uint8Array(attachment.contents), {
            headers: {
              // Never served as a page, because the file comes from somebody else.
              "content-type": "application/octet-stream",
              "content-disposition": `attachment; filename*=UTF-8''${encodeURIComponent(attachment.file_name)}`,
              "x-content-type-options": "nosniff",
            },
          }),
        );
      },
    }),
  ];
}

function withAttachment(
  all: Record<string, AttachmentValue>,
  key: string,
  put: AttachmentValue | null,
): Record<string, AttachmentValue> {
  const { [key]: _, ...rest } = all;
  return put === null ? rest : { ...rest, [key]: put };
}
