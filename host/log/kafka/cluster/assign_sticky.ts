/**
 * Assigns partitions to hosts by rendezvous hashing, so that a host that joins or leaves moves few partitions, and
 * evens out the result so that no host has more than its share.
 * @module
 */

import type { GroupPartitionsAssigner } from "@platformatic/kafka";

/** Called by Kafka's client on the group's leader. The user data of each member is the id of its host. */
export const assignSticky: GroupPartitionsAssigner = (_current, members, topics, metadata) => {
  const hosts = [...members].map(([memberId, { metadata }]) => ({ memberId, host: String(metadata ?? memberId) }));
  hosts.sort((a, b) => (a.host < b.host ? -1 : a.host > b.host ? 1 : a.memberId < b.memberId ? -1 : 1));
  const assigned = new Map(
    hosts.map(({ memberId }) => [memberId, new Map<string, { topic: string; partitions: number[] }>()]),
  );
  for (const topic of topics) {
    const count = metadata.topics.get(topic)?.partitionsCount ?? 0;
    for (const [partition, index] of spread(count, hosts.map(({ host }) => host)).entries()) {
      const own = assigned.get((hosts[index] as { memberId: string }).memberId);
      const entry = own?.get(topic) ?? { topic, partitions: [] };
      entry.partitions.push(partition);
      own?.set(topic, entry);
    }
  }
  return Array.from(assigned, ([memberId, assignments]) => ({ memberId, assignments }));
};

/** The index of the host of each partition. */
export function spread(partitions: number, hosts: string[]): number[] {
  const most = Math.ceil(partitions / hosts.length);
  const least = Math.floor(partitions / hosts.length);
  /** How many hosts may have `most` partitions. */
  let extra = partitions - least * hosts.length;
  const load = hosts.map(() => 0);
  return Array.from({ length: partitions }, (_, partition) => {
    const preferred = hosts
      .map((host, index) => ({ index, weight: hash(`${host} ${partition}`) }))
      .sort((a, b) => b.weight - a.weight);
    const free = preferred.find(({ index }) => {
      const next = (load[index] as number) + 1;
      return next <= least || (next <= most && extra > 0);
    });
    const { index } = free ?? (preferred[0] as { index: number });
    load[index] = (load[index] as number) + 1;
    if ((load[index] as number) > least) extra--;
    return index;
  });
}

/** FNV-1a with murmur's finaliser, so that similar texts differ in all bits. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) value = Math.imul(value ^ text.charCodeAt(at), 0x01000193);
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return (value ^ (value >>> 16)) >>> 0;
}
