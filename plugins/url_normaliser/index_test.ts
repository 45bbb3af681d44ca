import assert from "node:assert/strict";
import { startPlugin } from "hogpen/testing";

async function normalised(config: Record<string, string>, addresses: string[]): Promise<unknown[]> {
  await using plugin = await startPlugin(import.meta.dirname, { config });
  const results = [];
  for (const address of addresses) results.push((await plugin.propertiesOf({ $current_url: address })).$current_url);
  return results;
}

Deno.test("url_normaliser makes addresses of the same page look the same", async () => {
  assert.deepEqual(
    await normalised({}, [
      "https://Example.COM/Path/",
      "https://example.com",
      "https://example.com/?utm_source=x&b=2&a=1&gclid=y",
      "https://example.com:443/a//#part",
      "http://example.com:8080/a?q=a%20b",
    ]),
    [
      "https://example.com/Path",
      "https://example.com",
      "https://example.com?a=1&b=2",
      "https://example.com/a#part",
      "http://example.com:8080/a?q=a+b",
    ],
  );
});

Deno.test("url_normaliser keeps or removes what it is told to", async () => {
  const address = "https://example.com/A?utm_source=x#b";
  assert.deepEqual(await normalised({ query: "Keep", fragment: "Remove" }, [address]), [
    "https://example.com/A?utm_source=x",
  ]);
  assert.deepEqual(await normalised({ query: "Remove", lowerCasePath: "Yes" }, [address]), ["https://example.com/a#b"]);
});

Deno.test("url_normaliser leaves alone what is no address", async () => {
  const values = ["$direct", "", "not an address", "file:///C:/Users/", "mailto:a@b.co"];
  assert.deepEqual(await normalised({}, values), values);
  await using plugin = await startPlugin(import.meta.dirname);
  assert.deepEqual(await plugin.propertiesOf({ $current_url: 5, $referrer: "https://A.com/" }), {
    $current_url: 5,
    $referrer: "https://a.com",
  });
});
