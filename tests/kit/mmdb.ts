/**
 * Writes a small database in MaxMind's format, so that tests need none from elsewhere.
 * @module
 */

type Value = string | number | boolean | Value[] | { [key: string]: Value };
/** A node of the search tree: a child, a record, or nothing. */
type Branch = Node | { data: Value } | null;
interface Node {
  branches: [Branch, Branch];
  id: number;
}

const RECORD_BYTES = 4;
const SEPARATOR = 16;
const encoder = new TextEncoder();

/** Records by IPv4 or IPv6 address. */
export function encodeMmdb(records: Record<string, Value>, type = "GeoLite2-City"): Uint8Array {
  const root: Node = { branches: [null, null], id: 0 };
  for (const [address, data] of Object.entries(records)) insert(root, bitsOf(address), data);

  const nodes: Node[] = [];
  number(root, nodes);
  const offsets = new Map<Branch, number>();
  const data: number[] = [];
  for (const branch of nodes.flatMap(({ branches }) => branches)) {
    if (branch === null || "branches" in branch) continue;
    offsets.set(branch, data.length);
    data.push(...encode(branch.data));
  }
  const tree = new DataView(new ArrayBuffer(nodes.length * RECORD_BYTES * 2));
  nodes.forEach(({ branches, id }) => {
    branches.forEach((branch, side) => {
      const found = branch === null
        ? nodes.length
        : "branches" in branch
        ? branch.id
        : nodes.length + SEPARATOR + (offsets.get(branch) ?? 0);
      tree.setUint32((id * 2 + side) * RECORD_BYTES, found);
    });
  });
  const metadata = encode({
    node_count: nodes.length,
    record_size: RECORD_BYTES * 8,
    ip_version: 6,
    database_type: type,
    languages: ["en"],
    binary_format_major_version: 2,
    binary_format_minor_version: 0,
    build_epoch: 1_600_000_000,
    description: { en: "test" },
  });
  const marker = [0xab, 0xcd, 0xef, ...encoder.encode("MaxMind.com")];
  return Uint8Array.from([
    ...new Uint8Array(tree.buffer),
    ...new Uint8Array(SEPARATOR),
    ...data,
    ...marker,
    ...metadata,
  ]);
}

/** 128 bits; IPv4 addresses lie below ::/96. */
function bitsOf(address: string): number[] {
  const bytes = address.includes(":") ? ipv6Bytes(address) : [...Array(12).fill(0), ...address.split(".").map(Number)];
  return bytes.flatMap((byte) => [7, 6, 5, 4, 3, 2, 1, 0].map((shift) => byte >> shift & 1));
}

function ipv6Bytes(address: string): number[] {
  const [head = "", tail = ""] = address.split("::");
  const groups = (text: string) => text === "" ? [] : text.split(":").map((group) => parseInt(group, 16));
  const [first, last] = [groups(head), groups(tail)];
  const zeros = Array(8 - first.length - last.length).fill(0);
  return [...first, ...zeros, ...last].flatMap((group) => [group >> 8, group & 255]);
}

function insert(root: Node, bits: number[], data: Value): void {
  let node = root;
  for (const bit of bits.slice(0, -1)) {
    const next = node.branches[bit as 0 | 1];
    const child = next !== null && "branches" in next ? next : { branches: [null, null] as [null, null], id: 0 };
    node.branches[bit as 0 | 1] = child;
    node = child;
  }
  node.branches[bits.at(-1) as 0 | 1] = { data };
}

function number(node: Node, nodes: Node[]): void {
  node.id = nodes.length;
  nodes.push(node);
  for (const branch of node.branches) if (branch !== null && "branches" in branch) number(branch, nodes);
}

const Type = { string: 2, double: 3, uint32: 6, map: 7, array: 11, boolean: 14 } as const;

function encode(value: Value): number[] {
  if (typeof value === "string") {
    const bytes = encoder.encode(value);
    return [...control(Type.string, bytes.length), ...bytes];
  }
  if (typeof value === "boolean") return control(Type.boolean, value ? 1 : 0);
  if (typeof value === "number") return encodeNumber(value);
  if (Array.isArray(value)) return [...control(Type.array, value.length), ...value.flatMap(encode)];
  const entries = Object.entries(value);
  return [...control(Type.map, entries.length), ...entries.flatMap(([key, item]) => [...encode(key), ...encode(item)])];
}

function encodeNumber(value: number): number[] {
  const view = new DataView(new ArrayBuffer(8));
  if (Number.isInteger(value) && value >= 0) {
    view.setUint32(0, value);
    return [...control(Type.uint32, 4), ...new Uint8Array(view.buffer, 0, 4)];
  }
  view.setFloat64(0, value);
  return [...control(Type.double, 8), ...new Uint8Array(view.buffer)];
}

function control(type: number, size: number): number[] {
  const [low, more] = size < 29
    ? [size, []]
    : size < 285
    ? [29, [size - 29]]
    : [30, [(size - 285) >> 8, (size - 285) & 255]];
  return type < 8 ? [type << 5 | low, ...more] : [low, type - 7, ...more];
}
