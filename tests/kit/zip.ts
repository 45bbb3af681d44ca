/**
 * Makes .zip archives, also such as no tool would make: any entry name, links, wrong sizes.
 * @module
 */

import { crc32, deflateRawSync } from "node:zlib";

export interface ZipEntry {
  name: string;
  content?: string | Uint8Array;
  /** Content is the link's target. */
  isLink?: boolean;
  isEncrypted?: boolean;
  method?: number;
  crc?: number;
}

export function makeZip(entries: ZipEntry[]): Uint8Array {
  const locals: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  let offset = 0;
  for (const entry of entries) {
    const { name, content = "", isLink = false, isEncrypted = false, method = 8 } = entry;
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    const packed = method === 8 ? deflateRawSync(bytes) : bytes;
    const nameBytes = new TextEncoder().encode(name);
    const common = (view: DataView, at: number) => {
      view.setUint16(at, 20, true);
      view.setUint16(at + 2, isEncrypted ? 1 : 0, true);
      view.setUint16(at + 4, method, true);
      view.setUint32(at + 10, entry.crc ?? crc32(bytes), true);
      view.setUint32(at + 14, packed.length, true);
      view.setUint32(at + 18, bytes.length, true);
      view.setUint16(at + 22, nameBytes.length, true);
    };
    const local = new Uint8Array(30 + nameBytes.length + packed.length);
    const localView = new DataView(local.buffer);
    localView.setUint32(0, 0x04034b50, true);
    common(localView, 4);
    local.set(nameBytes, 30);
    local.set(packed, 30 + nameBytes.length);
    const record = new Uint8Array(46 + nameBytes.length);
    const view = new DataView(record.buffer);
    view.setUint32(0, 0x02014b50, true);
    view.setUint16(4, 0x031e, true);
    common(view, 6);
    view.setUint32(38, (isLink ? 0o120777 : 0o100644) * 0x10000, true);
    view.setUint32(42, offset, true);
    record.set(nameBytes, 46);
    locals.push(local);
    directory.push(record);
    offset += local.length;
  }
  const end = new Uint8Array(22);
  const endView = new DataView(end.buffer);
  endView.setUint32(0, 0x06054b50, true);
  endView.setUint16(8, entries.length, true);
  endView.setUint16(10, entries.length, true);
  endView.setUint32(12, directory.reduce((sum, record) => sum + record.length, 0), true);
  endView.setUint32(16, offset, true);
  return concat([...locals, ...directory, end]);
}

function concat(parts: Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
