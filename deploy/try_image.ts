/**
 * What try_image.sh asks of the service in the image: takes an event through its plugins, and opens the page.
 * @module
 */

const url = "http://127.0.0.1:8000";
const body = JSON.stringify({ api_key: "phc_local", event: "hello", distinct_id: "me" });
const sent = await fetch(`${url}/capture`, { method: "POST", body });
console.log("capture:", sent.status, await sent.text());

const token = Deno.readTextFileSync("/data/admin_token").trim();
const headers = { Authorization: `Bearer ${token}` };
for (let tries = 0; tries < 50; tries++) {
  const answer = await fetch(`${url}/_hogpen/api/projects/1/events`, { headers });
  const { results } = await answer.json() as { results: { event: string; properties: Record<string, unknown> }[] };
  if (results.length > 0) {
    for (const { event, properties } of results) console.log("event:", event, properties.$plugins_succeeded);
    break;
  }
  await new Promise((resolve) => setTimeout(resolve, 100));
}
console.log("page:", (await fetch(`${url}/_hogpen/`)).status);
