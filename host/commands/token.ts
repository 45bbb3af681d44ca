/**
 * `token`: creates, lists and revokes tokens of the API. It uses the store directly, so that it works while the service
 * is down.
 * @module
 */

import type { Settings } from "../config/settings.ts";
import { createTokens, type NewToken, type Role, ROLES, type Tokens } from "../http/access/tokens.ts";
import { openStore } from "../service/back_ends.ts";
import { openDataFolder } from "../service/upkeep/data_folder.ts";
import type { GivenSettings } from "./program/settings_options.ts";
import { CommandError, EXIT_USAGE, terminal } from "./program/terminal.ts";

/** The name in the audit for someone at the machine's command line. */
const ACTOR = "command line";
const DAY_MS = 86_400_000;

/** Prints only the token to stdout, so that a script can read it. */
export async function newToken(
  name: string,
  options: { role?: string; days?: string },
  { settings }: GivenSettings,
): Promise<void> {
  const token: NewToken = { name, role: readRole(options.role), expiresAt: readDays(options.days) };
  await withTokens(settings, async (tokens) => {
    const { token: text, record } = await tokens.create(token, ACTOR);
    terminal.note(`Token ${record.id} "${name}" (${record.role}); it is shown this once:`);
    terminal.print(text);
  });
}

export async function listTokens({ settings }: GivenSettings): Promise<void> {
  await withTokens(settings, async (tokens) => {
    for (const { id, name, role, expiresAt } of await tokens.list()) {
      const end = expiresAt === null ? "does not end" : `ends ${new Date(expiresAt).toISOString()}`;
      terminal.print(`${id}\t${role}\t${end}\t${name}`);
    }
  });
}

export async function revokeToken(id: string, { settings }: GivenSettings): Promise<void> {
  await withTokens(settings, async (tokens) => {
    if (!await tokens.revoke(id, ACTOR)) throw new CommandError(`Cannot revoke ${id}: there is no such token`);
    terminal.note(`Token ${id} is revoked, and so are the sessions that began with it`);
  });
}

async function withTokens(settings: Settings, use: (tokens: Tokens) => Promise<void>): Promise<void> {
  await openDataFolder(settings.data);
  await using store = await openStore(settings);
  await use(createTokens(store.things, Date.now));
}

function readRole(text = "viewer"): Role {
  const role = ROLES.find((role) => role === text);
  if (role !== undefined) return role;
  throw new CommandError(`--role: found ${JSON.stringify(text)}, expected ${ROLES.join(" or ")}`, EXIT_USAGE);
}

function readDays(text: string | undefined): number | null {
  if (text === undefined) return null;
  if (/^\d{1,5}$/.test(text) && Number(text) > 0) return Date.now() + Number(text) * DAY_MS;
  throw new CommandError(`--days: found ${JSON.stringify(text)}, expected a whole number from 1 to 99999`, EXIT_USAGE);
}
