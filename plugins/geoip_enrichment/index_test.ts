import assert from "node:assert/strict";
import { startPlugin } from "hogpen/testing";

const GEOIP = {
  "89.160.20.129": {
    city: { names: { en: "Linköping" } },
    country: { names: { en: "Sweden" }, isoCode: "SE" },
    continent: { names: { en: "Europe" }, code: "EU" },
    postal: { code: "582" },
    location: { latitude: 58.4167, longitude: 15.6167, accuracyRadius: 76, timeZone: "Europe/Stockholm" },
    subdivisions: [{ isoCode: "E", names: { en: "Östergötland County" } }],
  },
  "13.106.122.3": { country: { names: { en: "Australia" }, isoCode: "AU" } },
};

Deno.test("geoip_enrichment adds the place to the event and to the person", async () => {
  await using plugin = await startPlugin(import.meta.dirname, { geoip: GEOIP });
  const event = await plugin.processEvent({ ip: "89.160.20.129", properties: { $set: { plan: "x" } } });
  const { $set, $set_once, ...properties } = event?.properties as Record<string, Record<string, unknown>>;
  assert.deepEqual(properties, {
    $geoip_city_name: "Linköping",
    $geoip_country_name: "Sweden",
    $geoip_country_code: "SE",
    $geoip_continent_name: "Europe",
    $geoip_continent_code: "EU",
    $geoip_postal_code: "582",
    $geoip_latitude: 58.4167,
    $geoip_longitude: 15.6167,
    $geoip_accuracy_radius: 76,
    $geoip_time_zone: "Europe/Stockholm",
    $geoip_subdivision_1_code: "E",
    $geoip_subdivision_1_name: "Östergötland County",
  });
  assert.equal($set?.plan, "x");
  assert.equal($set?.$geoip_city_name, "Linköping");
  assert.equal($set?.$geoip_subdivision_2_name, null);
  assert.equal($set_once?.$initial_geoip_country_code, "SE");
  assert.equal(event?.ip, "89.160.20.129");
});

Deno.test("geoip_enrichment prefers $ip, and keeps what the event sets itself", async () => {
  await using plugin = await startPlugin(import.meta.dirname, { geoip: GEOIP });
  const properties = await plugin.propertiesOf({ $ip: "13.106.122.3", $set: { $geoip_country_code: "NZ" } });
  assert.equal(properties.$geoip_country_code, "AU");
  assert.equal((properties.$set as Record<string, unknown>).$geoip_country_code, "NZ");
  assert.equal("$geoip_city_name" in properties, false);
});

Deno.test("geoip_enrichment leaves events alone that say so, have no address, or an unknown one", async () => {
  await using plugin = await startPlugin(import.meta.dirname, { geoip: GEOIP });
  const off = await plugin.processEvent({ ip: "89.160.20.129", properties: { $geoip_disable: true } });
  assert.deepEqual(off?.properties, { $geoip_disable: true });
  assert.deepEqual((await plugin.processEvent({ ip: null }))?.properties, {});
  assert.deepEqual((await plugin.processEvent({ ip: "8.8.8.8" }))?.properties, {});
});

Deno.test("geoip_enrichment can keep the place from the person, and remove the address", async () => {
  await using plugin = await startPlugin(import.meta.dirname, {
    geoip: GEOIP,
    config: { personProperties: "No", removeIp: "Yes" },
  });
  const event = await plugin.processEvent({ ip: "1.1.1.1", properties: { $ip: "13.106.122.3" } });
  assert.deepEqual(event?.properties, { $geoip_country_name: "Australia", $geoip_country_code: "AU" });
  assert.equal(event?.ip, null);
});
