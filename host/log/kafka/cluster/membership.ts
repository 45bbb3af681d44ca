/**
 * Determines which partitions of a topic this host owns. It is a member of a group, which gives each partition to one
 * host. A host that is gone, or pauses for longer than the session, loses its partitions to the others.
 * @module
 */

import type { Consumer } from "@platformatic/kafka";
import { Consumer as KafkaConsumer } from "@platformatic/kafka";
import type { Buffer } from "node:buffer";
import { assignSticky } from "./assign_sticky.ts";
import { clientOptions, type KafkaSettings } from "./kafka_settings.ts";
import { guardClient } from "./guard_client.ts";
import { closeQuietly } from "./renewable.ts";

type GroupClient = Consumer<Buffer, Buffer, Buffer, Buffer>;

/** What the group assigned to this host. Kafka refuses a transaction that names an older generation. */
export interface Ownership {
  partitions: number[];
  generation: number;
  /** What a transaction names to prove that the host is still in the group. */
  member: { groupId: string; memberId: string; generationId: number; coordinatorId: number };
  client: GroupClient;
}

export interface MembershipOptions {
  settings: KafkaSettings;
  /** The group's name, without the prefix. */
  group: string;
  topic: string;
  /**
   * The partitions of the previous generation no longer belong to this host. Called again with the new ones; null while
   * there are none.
   */
  onChange(ownership: Ownership | null): void;
  onError(error: unknown): void;
}

export interface Membership extends AsyncDisposable {
  /** The ids of the hosts that are currently members. */
  hosts(): Promise<Set<string>>;
}

const RETRY_MS = 250;
/**
 * A member hears by its heartbeats that others join or leave, and all wait for the last one to hear of it: so they are
 * more frequent than the session needs.
 */
const HEARTBEAT_MS = 500;
/** How much longer than others may wait for a member to join again the client waits for the group's answer. */
const ANSWER_MS = 2000;

export function joinGroup({ settings, group, topic, onChange, onError }: MembershipOptions): Membership {
  const stop = Promise.withResolvers<void>();
  let stopped = false;
  let current: GroupClient | null = null;
  /** What the group calls this host. A new client goes by it too, so that nobody waits for the previous one. */
  let memberId: string | null = null;

  /** The life of one client, from joining until its first unrecoverable error. */
  async function member(): Promise<void> {
    const client = makeClient(settings, group);
    client.memberId = memberId;
    current = client;
    const broken = Promise.withResolvers<void>();
    client.on("error", (error: Error) => broken.reject(error));
    client.on("consumer:heartbeat:error", ({ error }) => broken.reject(error));
    client.on("consumer:group:rebalance", () => onChange(null));
    client.on("consumer:group:join", ({ memberId, generationId = -1, assignments = [] }) => {
      const partitions = assignments.flatMap(({ partitions }) => partitions).sort((a, b) => a - b);
      announce(client, memberId, generationId, partitions).catch((error) => broken.reject(error));
    });
    broken.promise.catch(() => {});
    try {
      client.topics.trackAll(topic);
      await client.joinGroup({});
      await Promise.race([broken.promise, stop.promise]);
    } finally {
      onChange(null);
      memberId = client.memberId;
      await (stopped ? leave(client) : abandon(client));
      await closeQuietly(client);
      current = null;
    }
  }

  async function announce(client: GroupClient, memberId: string, generation: number, partitions: number[]) {
    const coordinatorId = await client.findGroupCoordinator();
    if (stopped || client.generationId !== generation) return;
    const member = { groupId: client.groupId, memberId, generationId: generation, coordinatorId };
    onChange({ partitions, generation, member, client });
  }

  async function run(): Promise<void> {
    while (!stopped) {
      try {
        await member();
      } catch (error) {
        if (!stopped) onError(error);
      }
      if (!stopped) await Promise.race([stop.promise, new Promise((resolve) => setTimeout(resolve, RETRY_MS))]);
    }
  }

  const running = run();
  return {
    async hosts() {
      if (current === null) throw new Error("Cannot list the hosts of the cluster: this one is not a member");
      return await memberHosts(current, settings);
    },
    async [Symbol.asyncDispose]() {
      stopped = true;
      stop.resolve();
      await running;
    },
  };
}

/** Leaves the group, so that the others do not have to wait for the session to end. */
async function leave(client: GroupClient): Promise<void> {
  try {
    await client.leaveGroup(true);
  } catch {
    // The session ends by itself.
  }
}

/** Stops the client's heartbeats without leaving the group. */
async function abandon(client: GroupClient): Promise<void> {
  client.memberId = null;
  await client.leaveGroup(true);
}

function makeClient(settings: KafkaSettings, group: string): GroupClient {
  const client = new KafkaConsumer({
    ...clientOptions(settings),
    requestTimeout: settings.sessionMs + ANSWER_MS,
    groupId: `${settings.prefix}${group}`,
    sessionTimeout: settings.sessionMs,
    heartbeatInterval: Math.min(HEARTBEAT_MS, Math.floor(settings.sessionMs / 4)),
    // The client demands that it is not shorter than the session.
    rebalanceTimeout: settings.sessionMs,
    protocols: [{ name: "hogpen", version: 1, metadata: settings.hostId }],
    partitionAssigner: assignSticky,
  });
  return guardClient(client);
}

async function memberHosts(client: GroupClient, settings: KafkaSettings): Promise<Set<string>> {
  const { Admin } = await import("@platformatic/kafka");
  const admin = guardClient(new Admin(clientOptions(settings)));
  try {
    const groups = await admin.describeGroups({ groups: [client.groupId] });
    const members = groups.get(client.groupId)?.members.values() ?? [];
    return new Set(Array.from(members, ({ clientId }) => clientId));
  } finally {
    await closeQuietly(admin);
  }
}
