/**
 * Creating, changing and removing projects.
 * @module
 */

import { randomBytes } from "node:crypto";
import { z } from "zod";
import type { ProjectConfig } from "../../../config/config.ts";
import { upstreamSchema } from "../../../config/upstream.ts";
import { type ProjectValue, projectValue } from "../../../managed/managed_values.ts";
import { hideSecrets } from "../../access/hide_secrets.ts";
import { conflict, notFound } from "../../api_error.ts";
import { type Route, route } from "../../route.ts";
import { DONE, doneOut, idIn } from "../../schemas.ts";
import { contextOf, type ManagedApi, requireDone, requireManagedProject } from "./managed_api.ts";

const projectOut = z.object({
  id: z.number(),
  name: z.string(),
  token: z.string(),
  anonymize_ips: z.boolean(),
  isolation: projectValue.shape.isolation.unwrap(),
  upstream: upstreamSchema.nullable(),
  version: z.number(),
});
const projectFields = z.strictObject({
  name: z.string().trim().min(1).max(200),
  token: projectValue.shape.token.optional().describe("What SDKs send as api_key; made when absent."),
  anonymize_ips: z.boolean(),
  isolation: projectValue.shape.isolation.unwrap().describe(projectValue.shape.isolation.description ?? ""),
  upstream: upstreamSchema.nullable().describe(
    "The PostHog behind the project: what is not capture passes to it, and its destination takes host and key from here.",
  ),
});
const projectIn = projectFields.extend({
  anonymize_ips: projectFields.shape.anonymize_ips.default(false),
  isolation: projectFields.shape.isolation.default("each"),
  upstream: projectFields.shape.upstream.default(null),
});
/** Without defaults: omitted fields stay as they are. */
const projectPatch = projectFields.partial();

const params = { id: idIn };
const errors = { 404: "No such project", 409: "It stands in the configuration file", 412: "Changed since it was read" };

export interface ProjectChangeRoutesOptions {
  projects: () => readonly ProjectConfig[];
  managed: ManagedApi;
}

export function projectChangeRoutes({ projects, managed }: ProjectChangeRoutesOptions): Route[] {
  const { things } = managed;

  function showProject(id: number): z.infer<typeof projectOut> {
    const found = things.current().projects.get(id);
    if (found === undefined) throw notFound(`There is no project ${id}`);
    const { value, version } = found;
    return {
      id,
      name: value.name ?? `Project ${id}`,
      token: value.token,
      anonymize_ips: value.anonymizeIps,
      isolation: value.isolation,
      upstream: value.upstream ?? null,
      version,
    };
  }

  function requireToken(token: string, of: number): void {
    if (projects().some((project) => project.token === token && project.id !== of)) {
      throw conflict("Cannot use this token: another project has it");
    }
  }

  function findProject(id: number): ProjectConfig {
    const project = projects().find((project) => project.id === id);
    if (project === undefined) throw notFound(`There is no project ${id}`);
    return project;
  }

  return [
    route({
      method: "POST",
      path: "/_hogpen/api/projects",
      summary: "Makes a project",
      body: projectIn,
      response: projectOut,
      errors: { 400: "A value that will not do", 409: "Another project has the token" },
      audit: "self",
      version: ({ version }) => version,
      async handle({ body, actor }) {
        const token = body.token ?? `phc_${randomBytes(24).toString("base64url")}`;
        const id = things.nextId("project");
        requireToken(token, id);
        const project = toValue(id, { ...body, token });
        requireDone(
          await things.putProject(project, contextOf(actor, "create", 0, null, hideSecrets(project))),
          `project ${id}`,
          () => showProject(id),
        );
        await managed.apply();
        return showProject(id);
      },
    }),
    route({
      method: "PATCH",
      path: "/_hogpen/api/projects/{id}",
      summary: "Changes a project",
      params,
      body: projectPatch,
      response: projectOut,
      errors,
      audit: "self",
      version: ({ version }) => version,
      async handle({ params: { id }, body, actor, ifMatch }) {
        requireManagedProject(managed, id);
        const before = showProject(id);
        const project = toValue(id, {
          name: body.name ?? before.name,
          token: body.token ?? before.token,
          anonymize_ips: body.anonymize_ips ?? before.anonymize_ips,
          isolation: body.isolation ?? before.isolation,
          upstream: body.upstream === undefined ? before.upstream : body.upstream,
        });
        requireToken(project.token, id);
        const context = contextOf(actor, "change", ifMatch, hideSecrets(before), hideSecrets(project));
        requireDone(await things.putProject(project, context), `project ${id}`, () => showProject(id));
        await managed.apply();
        return showProject(id);
      },
    }),
    route({
      method: "DELETE",
      path: "/_hogpen/api/projects/{id}",
      summary: "Removes a project that has no plugin configs and destinations any more",
      params,
      response: doneOut,
      errors: { ...errors, 409: "It stands in the configuration file, or has something in it" },
      audit: "self",
      async handle({ params: { id }, actor, ifMatch }) {
        requireManagedProject(managed, id);
        const { plugins, destinations } = findProject(id);
        if (plugins.length + destinations.length > 0) {
          throw conflict(`Cannot remove project ${id}: remove its plugin configs and destinations first`);
        }
        const context = contextOf(actor, "delete", ifMatch, hideSecrets(showProject(id)), null);
        requireDone(await things.remove("project", String(id), context), `project ${id}`, () => showProject(id));
        await managed.apply();
        return DONE;
      },
    }),
  ];
}

/** A project in its stored form. */
function toValue(id: number, given: Omit<z.output<typeof projectOut>, "id" | "version">): ProjectValue {
  const { name, token, anonymize_ips, isolation, upstream } = given;
  return { id, name, token, anonymizeIps: anonymize_ips, isolation, ...(upstream !== null && { upstream }) };
}
