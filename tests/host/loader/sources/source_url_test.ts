/**
 * Proves that GitHub, GitLab and npm addresses become the right downloads, and that access tokens appear in no message.
 */

import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { packTar } from "modern-tar";
import { loadPlugin } from "../../../../host/loader/load_plugin.ts";
import { PluginLoadError } from "../../../../host/loader/plugin.ts";
import { REMOTE_HOSTS, resolvePluginUrl } from "../../../../host/loader/sources/resolve_plugin_url.ts";
import { temporaryFolder } from "../../../kit/temporary_folder.ts";
import { makeZip } from "../../../kit/zip.ts";

function refOf(url: string): string | null {
  return resolvePluginUrl(url).ref;
}

/** What has to be requested, without methods. */
function requests(url: string, hosts = REMOTE_HOSTS) {
  const { latest, archive, label, shownUrl } = resolvePluginUrl(url, hosts);
  return { label, shownUrl, latest: { url: latest.url, headers: latest.headers }, archive: archive("v1.0") };
}

Deno.test("PU-11 resolvePluginUrl() reads GitHub URLs", () => {
  const repo = "https://github.com/PostHog/posthog";
  assert.equal(refOf(repo), null);
  assert.equal(refOf(`${repo}/`), null);
  assert.equal(refOf(`${repo}.git`), null);
  assert.equal(refOf("http://www.github.com/PostHog/posthog"), null);
  assert.equal(
    refOf(`${repo}/commit/82c9218ee40f561b7f37a22d6b6a0ca82887ee3e`),
    "82c9218ee40f561b7f37a22d6b6a0ca82887ee3e",
  );
  assert.equal(refOf(`${repo}/tree/feature/new_stuff`), "feature/new_stuff");
  assert.equal(refOf(`${repo}/releases/tag/1.4.0`), "1.4.0");
  assert.equal(refOf(`${repo}/archive/1.4.0.zip`), "1.4.0");
  assert.equal(refOf(`${repo}/archive/refs/tags/v2.tar.gz`), "refs/tags/v2");
  assert.equal(refOf(`${repo}/tree/main?private_token=TOKEN`), "main");
  assert.equal(resolvePluginUrl("https://github.com/user/repo.with.dots").label, "repo.with.dots");
});

Deno.test("PU-12 resolvePluginUrl() reads GitLab URLs, groups and all", () => {
  const repo = "https://gitlab.com/mariusandra/helloworldplugin";
  assert.equal(refOf(repo), null);
  assert.equal(refOf(`${repo}/-/tree/main`), "main");
  assert.equal(
    refOf(`${repo}/-/commit/ff78cbe1d70316055c610a962a8355a4616d874b`),
    "ff78cbe1d70316055c610a962a8355a4616d874b",
  );
  assert.equal(refOf(`${repo}/-/tags/v1/v2?private_token=TOKEN`), "v1/v2");
  const { label, archive } = resolvePluginUrl("https://gitlab.com/group/sub/deep/plugin");
  assert.equal(label, "plugin");
  assert.match(archive("a").url, /projects\/group%2Fsub%2Fdeep%2Fplugin\/repository/);
});

Deno.test("PU-13 resolvePluginUrl() reads npm URLs", () => {
  assert.equal(refOf("https://www.npmjs.com/package/posthog-helloworld-plugin"), null);
  assert.equal(refOf("https://npmjs.com/package/posthog-helloworld-plugin/v/0.0.0"), "0.0.0");
  assert.equal(refOf("https://www.npmjs.com/package/@posthog/hello/v/1.0.0-beta.1?private_token=T"), "1.0.0-beta.1");
});

Deno.test("PU-14 resolvePluginUrl() says what to request from GitHub", () => {
  assert.deepEqual(requests("https://github.com/user/repo"), {
    label: "repo",
    shownUrl: "https://github.com/user/repo",
    latest: {
      url: "https://api.github.com/repos/user/repo/commits?per_page=1",
      headers: { accept: "application/vnd.github+json", "user-agent": "hogpen" },
    },
    archive: { url: "https://github.com/user/repo/archive/v1.0.zip", headers: {} },
  });
  const own = requests("https://github.com/user/repo?private_token=MINE", { ...REMOTE_HOSTS, githubToken: "OURS" });
  assert.deepEqual([own.archive.headers, own.latest.headers["authorization"], own.shownUrl], [
    { authorization: "token MINE" },
    "token MINE",
    "https://github.com/user/repo",
  ]);
  const ours = requests("https://github.com/user/repo", { ...REMOTE_HOSTS, githubToken: "OURS" });
  assert.deepEqual(ours.archive.headers, { authorization: "token OURS" });
});

Deno.test("PU-15 resolvePluginUrl() says what to request from GitLab", () => {
  const { latest, archive } = requests("https://gitlab.com/user/repo?private_token=T");
  const api = "https://gitlab.com/api/v4/projects/user%2Frepo/repository";
  assert.deepEqual(archive, { url: `${api}/archive.zip?sha=v1.0`, headers: { authorization: "Bearer T" } });
  assert.equal(latest.url, `${api}/commits?per_page=1`);
});

Deno.test("PU-16 resolvePluginUrl() says what to request from npm", () => {
  const { latest, archive } = requests("https://www.npmjs.com/package/@posthog/hello?private_token=T");
  assert.deepEqual(archive, {
    url: "https://registry.npmjs.org/@posthog/hello/-/hello-v1.0.tgz",
    headers: { authorization: "Bearer T" },
  });
  assert.equal(latest.url, "https://registry.npmjs.org/@posthog/hello/latest");
});

Deno.test("resolvePluginUrl() refuses any other address and never repeats a token", () => {
  const addresses = [
    "https://example.com/user/repo",
    "https://github.com/user",
    "https://github.com/user/repo/issues/1",
    "https://github.com.evil.example/user/repo",
    "https://evil.example/?x=https://github.com/user/repo",
    "https://user:secret@example.com/repo?private_token=TOKEN",
  ];
  for (const address of addresses) {
    assert.throws(() => resolvePluginUrl(address), (error: Error) => {
      assert.match(error.message, /Must be a GitHub\/GitLab repository or npm package URL!$/, address);
      assert.doesNotMatch(error.message, /TOKEN|secret/);
      return true;
    });
  }
});

interface FakeHosts extends AsyncDisposable {
  hosts: { github: string; githubApi: string; gitlab: string; npm: string };
  seen: string[];
}

/** GitHub, GitLab and npm in one server: the archives of one plugin in version v7. */
function serveHosts(): FakeHosts {
  const seen: string[] = [];
  const files = { "plugin.json": '{"name":"Remote"}', "index.js": "exports.processEvent = (event) => event" };
  const under = (root: string) =>
    Object.entries(files).map(([name, content]) => ({ name: `${root}/${name}`, content }));
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, async (request) => {
    const { pathname, search } = new URL(request.url);
    seen.push(`${pathname}${search} ${request.headers.get("authorization") ?? "-"}`);
    if (pathname.startsWith("/user/private/") && !request.headers.has("authorization")) {
      return new Response("", { status: 404 });
    }
    if (pathname.endsWith("/commits")) return Response.json([{ sha: "v7", id: "v7" }]);
    if (pathname.endsWith("/latest")) return Response.json({ version: "v7" });
    if (pathname === "/user/moved/archive/v7.zip") return Response.redirect(new URL("/codeload", request.url), 302);
    if (pathname.endsWith("v7.zip") || pathname.endsWith("archive.zip") || pathname === "/codeload") {
      return new Response(makeZip(under("repo-v7")) as BodyInit);
    }
    if (pathname.endsWith("-v7.tgz")) {
      const entries = under("package").map(({ name, content }) => ({
        header: { name, size: content.length },
        body: content,
      }));
      return new Response(gzipSync(await packTar(entries)) as BodyInit);
    }
    return new Response("no", { status: 404 });
  });
  const base = `http://127.0.0.1:${server.addr.port}`;
  return {
    seen,
    hosts: { github: base, githubApi: `${base}/api`, gitlab: base, npm: `${base}/npm` },
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

Deno.test("loadPlugin() finds the latest version and downloads it, from each of the three hosts", async () => {
  await using remote = serveHosts();
  const urls = [
    "https://github.com/user/repo?private_token=T",
    "https://gitlab.com/group/repo",
    "https://www.npmjs.com/package/@scope/hello",
  ];
  for (const url of urls) {
    const { manifest, files } = await loadPlugin(url, { hosts: remote.hosts });
    assert.deepEqual([manifest.name, Object.keys(files)], ["Remote", ["index.js"]]);
  }
  assert.deepEqual(remote.seen, [
    "/api/repos/user/repo/commits?per_page=1 token T",
    "/user/repo/archive/v7.zip token T",
    "/api/v4/projects/group%2Frepo/repository/commits?per_page=1 -",
    "/api/v4/projects/group%2Frepo/repository/archive.zip?sha=v7 -",
    "/npm/@scope/hello/latest -",
    "/npm/@scope/hello/-/hello-v7.tgz -",
  ]);
});

Deno.test("loadPlugin() takes the version that the URL names, and follows redirects", async () => {
  await using remote = serveHosts();
  await loadPlugin("https://github.com/user/moved/releases/tag/v7", { hosts: remote.hosts });
  assert.deepEqual(remote.seen, ["/user/moved/archive/v7.zip -", "/codeload -"]);
});

Deno.test("loadPlugin() says why a download failed, without the token", async () => {
  await using remote = serveHosts();
  const failure = async (url: string) => {
    const error = await loadPlugin(url, { hosts: remote.hosts }).catch((error) => error);
    assert.ok(error instanceof PluginLoadError);
    return error.record.message;
  };
  assert.match(
    await failure("https://github.com/user/private/tree/v7"),
    /^Cannot download plugin https:\/\/github\.com\/user\/private\/tree\/v7: 127\.0\.0\.1:\d+ answered 404; a private one needs \?private_token=…$/,
  );
  assert.doesNotMatch(await failure("https://github.com/user/repo/tree/v9?private_token=TOKEN"), /TOKEN/);
  const nowhere = await loadPlugin("https://github.com/a/b/tree/c", { hosts: { github: "http://127.0.0.1:1" } })
    .catch((error) => error);
  assert.match(nowhere.message, /^Cannot download plugin https:\/\/github\.com\/a\/b\/tree\/c: /);
});

Deno.test("loadPlugin() downloads a pinned version once, and looks for a newer one otherwise", async () => {
  await using remote = serveHosts();
  await using folder = await temporaryFolder();
  const options = { hosts: remote.hosts, downloadFolder: folder.file("downloads") };
  for (const url of ["https://npmjs.com/package/hello/v/v7", "https://github.com/user/repo/tree/v7"]) {
    remote.seen.length = 0;
    await loadPlugin(url, options);
    const { manifest } = await loadPlugin(url, options);
    assert.equal(manifest.name, "Remote");
    assert.equal(remote.seen.length, url.includes("npmjs") ? 1 : 2);
  }
});

Deno.test("loadPlugin() goes on with what was downloaded before when the host is away", async () => {
  await using folder = await temporaryFolder();
  const url = "https://github.com/user/repo";
  const messages: string[] = [];
  const options = { downloadFolder: folder.path, onFallback: (message: string) => messages.push(message) };
  {
    await using remote = serveHosts();
    await loadPlugin(url, { ...options, hosts: remote.hosts });
  }
  const away = { github: "http://127.0.0.1:1", githubApi: "http://127.0.0.1:1" };
  assert.equal((await loadPlugin(url, { ...options, hosts: away })).manifest.name, "Remote");
  assert.equal(messages.length, 1);
  assert.match(messages[0]!, /^Cannot download plugin .*; the version downloaded before is used$/);
});
