/**
 * Making, changing and removing projects and destinations.
 * @module
 */

import { randomBytes } from "node:crypto";
import { z } from "zod";
import type { ProjectConfig } from "../../../config/config.ts";
import { describeDestination } from "../../../destinations/describe_destination.ts";
import { type DestinationValue, destinationValue, projectValue } from "../../../managed/managed_values.ts";
import { hideSecrets } from "../../access/hide_secrets.ts";
import { conflict, invalidInput, notFound } from "../../api_error.ts";
import { type Route, route } from "../../route.ts";
import { DONE, doneOut, idIn, listOf } from "../../schemas.ts";
import { keepSecrets } from "./dry_run.ts";
import {
  contextOf,
  type ManagedApi,
  requireDone,
  requireManagedDestination,
  requireManagedProject,
} from "./managed_api.ts";

const projectOut = z.object({
  id: z.number(),
  name: z.string(),
  token: z.string(),
  anonymize_ips: z.boolean(),
  version: z.number(),
});
const projectIn = z.strictObject({
  name: z.string().trim().min(1).max(200),
  token: projectValue.shape.token.optional().describe("What SDKs send as api_key; made when absent."),
  anonymize_ips: z.boolean().default(false),
});

const destinationOut = z.object({
  id: z.string(),
  team_id: z.number(),
  type: z.string(),
  enabled: z.boolean(),
  filter: z.unknown(),
  target: z.string().describe("Where events go, in words, without credentials."),
  options: z.record(z.string(), z.unknown()).nullable().describe("Secrets are replaced; null when the file has them."),
  managed_by: z.enum(["file", "api"]),
  version: z.number().nullable(),
});
const destinationIn = z.looseObject({
  id: z.string(),
  type: z.string(),
}).describe("As in the configuration file: id, type, enabled, filter and the options of the type.");

const params = { id: idIn };
const place = { id: idIn, destination: z.string() };
const errors = { 404: "No such project", 409: "It stands in the configuration file", 412: "Changed since it was read" };

export interface ProjectChangeRoutesOptions {
  projects: () => readonly ProjectConfig[];
  managed: ManagedApi;
  /** Sends one event to a destination, past its cursor. Rejects with why it was not taken. */
  testDestination(project: ProjectConfig, id: string): Promise<void>;
}

export function projectChangeRoutes({ projects, managed, testDestination }: ProjectChangeRoutesOptions): Route[] {
  const { things } = managed;

  function showProject(id: number): z.infer<typeof projectOut> {
    const found = things.current().projects.get(id);
    if (found === undefined) throw notFound(`There is no project ${id}`);
    const { value, version } = found;
    return { id, name: value.name ?? `Project ${id}`, token: value.token, anonymize_ips: value.anonymizeIps, version };
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

  function showDestination(project: ProjectConfig, id: string): z.infer<typeof destinationOut> {
    const config = project.destinations.find((destination) => destination.id === id);
    if (config === undefined) throw notFound(`There is no destination ${project.id}/${id}`);
    const own = things.current().destinations.get(`${project.id}/${id}`);
    return {
      ...describeDestination(config),
      team_id: project.id,
      options: own === undefined ? null : hideSecrets(config.options) as Record<string, unknown>,
      managed_by: own === undefined ? "file" : "api",
      version: own?.version ?? null,
    };
  }

  function checkDestination(given: Record<string, unknown>): DestinationValue {
    const result = destinationValue.safeParse(given);
    if (result.success) return result.data;
    const [issue] = result.error.issues;
    throw invalidInput(`${issue?.path.join(".")}: ${issue?.message}`, issue?.path.join(".") ?? null);
  }

  async function save(teamId: number, entry: DestinationValue, before: unknown, context: Parameters<typeof contextOf>) {
    const outcome = await things.putDestination(teamId, entry, contextOf(...context));
    requireDone(outcome, `destination ${teamId}/${entry.id}`, () => before);
    await managed.apply();
    return showDestination(findProject(teamId), entry.id);
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
        const project = { id, name: body.name, token, anonymizeIps: body.anonymize_ips };
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
      body: projectIn.partial(),
      response: projectOut,
      errors,
      audit: "self",
      version: ({ version }) => version,
      async handle({ params: { id }, body, actor, ifMatch }) {
        requireManagedProject(managed, id);
        const before = showProject(id);
        const project = {
          id,
          name: body.name ?? before.name,
          token: body.token ?? before.token,
          anonymizeIps: body.anonymize_ips ?? before.anonymize_ips,
        };
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
    route({
      method: "GET",
      path: "/_hogpen/api/projects/{id}/destinations",
      summary: "Destinations of a project",
      params,
      response: listOf(destinationOut),
      errors: { 404: errors[404] },
      handle({ params: { id } }) {
        const project = findProject(id);
        const results = project.destinations.map((destination) => showDestination(project, destination.id));
        return Promise.resolve({ results, next: null });
      },
    }),
    route({
      method: "POST",
      path: "/_hogpen/api/projects/{id}/destinations",
      summary: "Makes a destination",
      params,
      body: destinationIn,
      response: destinationOut,
      errors: { 400: "A value that will not do", 404: errors[404], 409: "There is one of this id" },
      audit: "self",
      version: ({ version }) => version ?? 0,
      async handle({ params: { id }, body, actor }) {
        const project = findProject(id);
        const entry = checkDestination(body);
        if (project.destinations.some((destination) => destination.id === entry.id)) {
          throw conflict(`Cannot make destination ${entry.id}: project ${id} has one of this id`);
        }
        return await save(id, entry, null, [actor, "create", 0, null, hideSecrets(entry)]);
      },
    }),
    route({
      method: "PATCH",
      path: "/_hogpen/api/projects/{id}/destinations/{destination}",
      summary: "Changes a destination; what is left out stays",
      params: place,
      body: z.looseObject({}),
      response: destinationOut,
      errors: { 400: "A value that will not do", ...errors },
      audit: "self",
      version: ({ version }) => version ?? 0,
      async handle({ params: { id, destination }, body, actor, ifMatch }) {
        requireManagedDestination(managed, id, destination);
        const before = things.current().destinations.get(`${id}/${destination}`)?.value.entry;
        const entry = checkDestination({ ...before, ...keepSecrets(body, { ...before }), id: destination });
        const shown = showDestination(findProject(id), destination);
        return await save(id, entry, shown, [actor, "change", ifMatch, hideSecrets(before), hideSecrets(entry)]);
      },
    }),
    route({
      method: "DELETE",
      path: "/_hogpen/api/projects/{id}/destinations/{destination}",
      summary: "Removes a destination; its place in the events goes with it",
      params: place,
      response: doneOut,
      errors,
      audit: "self",
      async handle({ params: { id, destination }, actor, ifMatch }) {
        requireManagedDestination(managed, id, destination);
        const shown = showDestination(findProject(id), destination);
        const context = contextOf(actor, "delete", ifMatch, shown, null);
        const outcome = await things.remove("destination", `${id}/${destination}`, context);
        requireDone(outcome, `destination ${id}/${destination}`, () => shown);
        await managed.apply();
        return DONE;
      },
    }),
    route({
      method: "POST",
      path: "/_hogpen/api/projects/{id}/destinations/{destination}/test",
      summary: "Sends one test event to a destination now, whatever its filter and its place in the log",
      params: place,
      response: z.object({ delivered: z.boolean(), detail: z.string().nullable() }),
      errors: { 404: "No such project or destination" },
      async handle({ params: { id, destination } }) {
        const project = findProject(id);
        showDestination(project, destination);
        try {
          await testDestination(project, destination);
          return { delivered: true, detail: null };
        } catch (error) {
          return { delivered: false, detail: error instanceof Error ? error.message : String(error) };
        }
      },
    }),
  ];
}
