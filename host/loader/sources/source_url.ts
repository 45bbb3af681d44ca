/**
 * A plugin in a GitHub or GitLab repository, or an npm package.
 * @module
 */

import { MAX_ARCHIVE_BYTES } from "./archive_limits.ts";
import { type DownloadFolder, downloadFolder } from "./download_folder.ts";
import { type PluginSource, SourceError } from "./plugin_source.ts";
import {
  REMOTE_HOSTS,
  type RemoteHosts,
  type RemotePlugin,
  type RemoteRequest,
  resolvePluginUrl,
} from "./resolve_plugin_url.ts";
import { archiveSource } from "./source_archive.ts";

/** The time limit of one request with its body, in milliseconds. */
const TIMEOUT_MS = 120_000;
const MAX_ANSWER_BYTES = 16 * 1024 * 1024;

export interface UrlOptions {
  hosts?: Partial<RemoteHosts> | undefined;
  /** Keeps downloaded archives. */
  downloads?: DownloadFolder | undefined;
  /** Called when an earlier download is used because a host is unavailable. */
  onFallback?: ((message: string) => void) | undefined;
}

/** Finds the latest version when the URL names none, and downloads the archive. Rejects with SourceError. */
export async function urlSource(url: string, options: UrlOptions = {}): Promise<PluginSource> {
  const { hosts, downloads = downloadFolder(null), onFallback = () => {} } = options;
  const plugin = resolvePluginUrl(url, { ...REMOTE_HOSTS, ...hosts });
  // Only what always names the same version is taken from the folder without asking its host.
  const pinned = plugin.isPinned ? await downloads.read(plugin.key) : null;
  return await archiveSource(plugin.label, pinned ?? await freshArchive());

  async function freshArchive(): Promise<Uint8Array> {
    try {
      const ref = plugin.ref ?? await latestRef(plugin);
      const bytes = await download(plugin, plugin.archive(ref), MAX_ARCHIVE_BYTES);
      await downloads.write(plugin.key, bytes);
      return bytes;
    } catch (error) {
      const kept = await downloads.read(plugin.key);
      if (kept === null) throw error;
      onFallback(`${(error as Error).message}; the version downloaded before is used`);
      return kept;
    }
  }
}

async function latestRef(plugin: RemotePlugin): Promise<string> {
  const text = new TextDecoder().decode(await download(plugin, plugin.latest, MAX_ANSWER_BYTES));
  try {
    const ref = plugin.latest.pick(JSON.parse(text));
    if (ref !== undefined) return ref;
  } catch {
    // Reported below: an answer without a version is no better than one that is not JSON.
  }
  throw new SourceError(`Cannot find the latest version of plugin ${plugin.shownUrl}: the answer names none`);
}

async function download(plugin: RemotePlugin, request: RemoteRequest, maxBytes: number): Promise<Uint8Array> {
  const cannot = `Cannot download plugin ${plugin.shownUrl}`;
  const response = await fetch(request.url, { headers: request.headers, signal: AbortSignal.timeout(TIMEOUT_MS) })
    .catch((cause) => {
      throw new SourceError(`${cannot}: ${cause.message}`, { cause });
    });
  if (!response.ok) {
    await response.body?.cancel();
    const hint = [401, 403, 404].includes(response.status) ? "; a private one needs ?private_token=…" : "";
    throw new SourceError(`${cannot}: ${new URL(request.url).host} answered ${response.status}${hint}`);
  }
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > maxBytes) throw new SourceError(`${cannot}: it is larger than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return new Uint8Array(await new Blob(chunks as BlobPart[]).arrayBuffer());
}
