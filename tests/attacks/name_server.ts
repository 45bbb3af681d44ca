/**
 * A name server for attacks that answers the same question differently from one time to the next, as one that rebinds a
 * name does.
 * @module
 */

import { createSocket } from "node:dgram";
import { isIPv4, isIPv6 } from "node:net";

/**
 * What names resolve to, in turn: `{"r4-*": ["8.8.8.8", "127.0.0.1"]}` gives the first address when a name is asked for
 * the first time, the second the next time, and begins again. A `*` stands for any end. Other names do not exist.
 */
export type Names = Record<string, string[]>;

/** Where the namespace's resolv.conf points. */
export const NAME_SERVER = "127.0.0.53";

const TYPE_A = 1;
const TYPE_AAAA = 28;
const NO_SUCH_NAME = 3;
const HEADER_BYTES = 12;

/** Serves until the process ends. Resolves when it can be asked. */
export async function serveNames(names: Names): Promise<void> {
  const asked = new Map<string, number>();
  const socket = createSocket("udp4");
  socket.on("message", (query, { port, address }) => socket.send(answerTo(query, names, asked), port, address));
  await new Promise<void>((resolve) => socket.bind(53, NAME_SERVER, resolve));
}

/** @param asked how often each name was asked for by each type */
export function answerTo(query: Uint8Array, names: Names, asked: Map<string, number>): Uint8Array<ArrayBuffer> {
  const { name, type, end } = readQuestion(query);
  const addresses = find(names, name);
  const ofType = addresses?.filter((address) =>
    type === TYPE_A ? isIPv4(address) : type === TYPE_AAAA && isIPv6(address)
  );
  const key = `${name} ${type}`;
  const turn = asked.get(key) ?? 0;
  asked.set(key, turn + 1);
  const address = ofType?.[turn % ofType.length];
  const data = address === undefined ? [] : type === TYPE_A ? address.split(".").map(Number) : bytesOfIpv6(address);
  // The name is the question's (a pointer to it), the class the internet's, and nobody is to remember it.
  const record = data.length === 0 ? [] : [0xc0, HEADER_BYTES, 0, type, 0, 1, 0, 0, 0, 0, 0, data.length, ...data];
  const status = addresses === undefined ? NO_SUCH_NAME : 0;
  const counts = [0, 1, 0, record.length > 0 ? 1 : 0, 0, 0, 0, 0];
  return new Uint8Array([
    query[0]!,
    query[1]!,
    0x81,
    0x80 | status,
    ...counts,
    ...query.slice(HEADER_BYTES, end),
    ...record,
  ]);
}

function readQuestion(query: Uint8Array): { name: string; type: number; end: number } {
  const labels: string[] = [];
  let at = HEADER_BYTES;
  for (let length = query[at]!; length > 0; length = query[at]!) {
    labels.push(new TextDecoder().decode(query.subarray(at + 1, at + 1 + length)));
    at += 1 + length;
  }
  return { name: labels.join(".").toLowerCase(), type: query[at + 1]! * 256 + query[at + 2]!, end: at + 5 };
}

function find(names: Names, name: string): string[] | undefined {
  const pattern = Object.keys(names).find((each) =>
    each.endsWith("*") ? name.startsWith(each.slice(0, -1)) : name === each
  );
  return pattern === undefined ? undefined : names[pattern];
}

function bytesOfIpv6(address: string): number[] {
  const [head = "", tail] = new URL(`http://[${address}]/`).hostname.slice(1, -1).split("::");
  const groups = (text: string) => text === "" ? [] : text.split(":").map((group) => parseInt(group, 16));
  const [before, after] = [groups(head), groups(tail ?? "")];
  const zeros = Array<number>(8 - before.length - after.length).fill(0);
  return [...before, ...zeros, ...after].flatMap((group) => [group >> 8, group & 0xff]);
}
