/**
 * The audit of actions that no thing of the store is changed by: noted before they are done, so that none is missing.
 * @module
 */

import type { Things } from "../../store/things.ts";
import { hideSecrets } from "./hide_secrets.ts";
import type { NoteAction } from "../route.ts";

/** A longer body says no more to a reader. */
const MAX_BODY = 16 * 1024;

export function createNote(things: Pick<Things, "change">): NoteAction {
  return async ({ actor, action, target, body }) => {
    const text = body === undefined ? null : JSON.stringify(hideSecrets(body)) ?? null;
    const after = text !== null && text.length > MAX_BODY ? JSON.stringify({ bytes: text.length }) : text;
    await things.change([], [{ actor: actor.name, action, target, before: null, after }]);
  };
}
