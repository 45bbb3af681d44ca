/**
 * Remembers for every plugin config why it was disabled, its last error and what it can do. All of these records are
 * written here, so that parts of the service which each know one piece do not overwrite one another. It is also the
 * way to a plugin's log.
 * @module
 */

import type { LogBatch } from "../../runtime/protocol.ts";
import { isRecord } from "../../runtime/is_record.ts";
import type { PluginJournal } from "../loader/plugin_journal.ts";
import type { PluginLogWriter } from "../services/logs.ts";
import type { DisabledReason, PluginConfigRecord, PluginConfigs } from "../store/store.ts";

/** Whose record it is, and the hash of source and configuration that a stored reason must belong to. */
export interface RecordOwner {
  pluginConfigId: number;
  teamId: number;
  revision: string;
}

export type RecordChange = Partial<Pick<PluginConfigRecord, "disabledReason" | "lastError" | "capabilities">>;

export interface PluginRecords extends PluginJournal, AsyncDisposable {
  /** Reads what was kept, and from then on writes for this owner. A reason of another revision is forgotten. */
  open(owner: RecordOwner): Promise<Readonly<PluginConfigRecord>>;
  read(pluginConfigId: number): Readonly<PluginConfigRecord> | undefined;
  /**
   * Takes over why plugins are disabled from the store, where other hosts write too. Resolves with those for which it
   * was another reason here.
   */
  takeOver(): Promise<DisabledReason[]>;
  /** Takes effect at once, and is stored soon. */
  change(pluginConfigId: number, change: RecordChange): void;
  /** Entries as the plugin's cell sent them. */
  log(pluginConfigId: number, entries: LogBatch["entries"], dropped: number): void;
  /** Resolves when everything before the call is in the store, or given up. */
  flush(): Promise<void>;
}

export interface PluginRecordsOptions {
  store: PluginConfigs;
  logs: PluginLogWriter;
  now: () => number;
  /** Told when a record cannot be stored. */
  onError(message: string): void;
}

/** Errors arrive as fast as events, so only the last one of each interval is stored. */
const STORE_EVERY_MS = 500;
/** An event is kept with the error if it is no larger. */
const MAX_EVENT_CHARACTERS = 256 * 1024;

export function createPluginRecords({ store, logs, now, onError }: PluginRecordsOptions): PluginRecords {
  const records = new Map<number, PluginConfigRecord & { teamId: number }>();
  const unsaved = new Set<number>();
  /** Whose reason was changed here and is not in the store yet, with the turn of the change. */
  const newReasons = new Map<number, number>();
  /** Differs when a reason was changed or stored here meanwhile. */
  let turn = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let saving = Promise.resolve();

  function change(pluginConfigId: number, changed: RecordChange): void {
    const record = records.get(pluginConfigId);
    if (record === undefined) return;
    Object.assign(record, changed);
    if (changed.disabledReason !== undefined) {
      newReasons.set(pluginConfigId, ++turn);
    }
    unsaved.add(pluginConfigId);
    timer ??= setTimeout(save, STORE_EVERY_MS);
  }

  function save(): void {
    clearTimeout(timer);
    timer = undefined;
    const ids = [...unsaved];
    unsaved.clear();
    saving = saving.then(async () => {
      for (const id of ids) await put(id);
    });
  }

  async function put(id: number): Promise<void> {
    const record = records.get(id);
    if (record === undefined) return;
    const { teamId: _, ...stored } = record;
    const changedIn = newReasons.get(id);
    try {
      await store.put(stored, changedIn === undefined);
      if (changedIn !== undefined && newReasons.get(id) === changedIn) newReasons.delete(id);
      turn++;
    } catch (error) {
      onError(`Cannot store the state of plugin config ${id}: ${error instanceof Error ? error.message : error}`);
    }
  }

  function ownerOf(pluginConfigId: number): { pluginConfigId: number; teamId: number } {
    return { pluginConfigId, teamId: records.get(pluginConfigId)?.teamId ?? 0 };
  }

  async function flush(): Promise<void> {
    save();
    await saving;
    await logs.flush();
  }

  return {
    async open({ pluginConfigId, teamId, revision }) {
      const kept = await store.get(pluginConfigId);
      const same = kept?.revision === revision;
      const record = {
        pluginConfigId,
        teamId,
        revision,
        disabledReason: same ? kept.disabledReason : null,
        lastError: kept?.lastError ?? null,
        // The capabilities of another revision say nothing about this one: a router that believed them would let
        // events pass the plugin by.
        capabilities: same ? kept.capabilities : null,
      };
      records.set(pluginConfigId, record);
      return record;
    },
    async takeOver() {
      const before = turn;
      const stored = await store.reasons();
      // What was read may be older than what happened here; the next look will tell.
      if (turn !== before) return [];
      return stored.filter(({ pluginConfigId, revision, disabledReason }) => {
        const record = records.get(pluginConfigId);
        if (record === undefined || record.revision !== revision || newReasons.has(pluginConfigId)) return false;
        if (record.disabledReason === disabledReason) return false;
        record.disabledReason = disabledReason;
        return true;
      });
    },
    read: (pluginConfigId) => records.get(pluginConfigId),
    change,
    log: (pluginConfigId, entries, dropped) => logs.fromPlugin(ownerOf(pluginConfigId), entries, dropped),
    system: (pluginConfigId, type, message) => logs.system(ownerOf(pluginConfigId), type, message),
    error(pluginConfigId, error, event) {
      const at = now();
      change(pluginConfigId, { lastError: { ...error, at, ...eventPart(event) } });
      const message = (error.message ? `${error.name}: ${error.message}` : error.name) + ofEvent(event);
      const text = error.stack ? `${message}\n${error.stack}` : message;
      logs.fromPlugin(ownerOf(pluginConfigId), [{ plugin: 0, source: "PLUGIN", type: "ERROR", message: text, at }], 0);
    },
    flush,
    [Symbol.asyncDispose]: flush,
  };
}

/** Which event it was, for the log. */
function ofEvent(event: string | undefined): string {
  const { event: parsed } = eventPart(event);
  if (!isRecord(parsed)) return "";
  return ` (event ${JSON.stringify(parsed.event)}, uuid ${parsed.uuid})`;
}

function eventPart(event: string | undefined): { event?: unknown } {
  if (event === undefined || event.length > MAX_EVENT_CHARACTERS) return {};
  try {
    return { event: JSON.parse(event) };
  } catch {
    return { event };
  }
}
