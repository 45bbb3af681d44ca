/**
 * Audits actions that change no thing in the store. They are recorded before they are carried out, so that none is
 * missing.
 * @module
 */

import type { Things } from "../../store/things.ts";
import { hideSecrets } from "./hide_secrets.ts";
import type { NoteAction } from "../route.ts";

/** Longer bodies are not useful to a reader of the audit. */
const MAX_BODY = 16 * 1024;

export function createNote(things: Pick<Things, "change">): NoteAction {
  return async ({ actor, action, target, body }) => {
    const text = body === undefined ? null : JSON.stringify(hideSecrets(body)) ?? null;
    const after = text !== null && text.length > MAX_BODY ? JSON.stringify({ bytes: text.length }) : text;
    await things.change([], [{ actor: actor.name, action, target, before: null, after }]);
  };
}
