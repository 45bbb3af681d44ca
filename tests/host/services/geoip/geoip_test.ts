/** Proves that `geoip.locate` answers like PostHog's, and that the database file is read again when it changes. */

import assert from "node:assert/strict";
import { createGeoipServices } from "../../../../host/services/geoip/geoip.ts";
import { openGeoipDatabase } from "../../../../host/services/geoip/geoip_database.ts";
import { encodeMmdb } from "../../../kit/mmdb.ts";
import { OTHER } from "../../../../testing/plugin_services.ts";
import { temporaryFolder } from "../../../kit/temporary_folder.ts";

const LINKOEPING = {
  city: { geoname_id: 2694762, names: { en: "Linköping" } },
  country: { iso_code: "SE", names: { en: "Sweden" }, is_in_european_union: true },
  continent: { code: "EU", names: { en: "Europe" } },
  location: { accuracy_radius: 76, latitude: 58.4167, longitude: 15.6167, time_zone: "Europe/Stockholm" },
  postal: { code: "582" },
  subdivisions: [{ iso_code: "E", names: { en: "Östergötland County" } }],
};

Deno.test("MM-02 geoip.locate answers as @maxmind/geoip2-node does, null for unknown addresses and other text", async () => {
  await using folder = await temporaryFolder();
  const path = folder.file("city.mmdb");
  await Deno.writeFile(path, encodeMmdb({ "89.160.20.129": LINKOEPING, "2a02:d100::1": LINKOEPING }));
  using database = await openGeoipDatabase({ path, onError: assert.fail });
  const locate = createGeoipServices(database)["geoip.locate"];

  for (const address of ["89.160.20.129", "2a02:d100::1"]) {
    const city = await locate([address], OTHER) as Record<string, Record<string, unknown>>;
    assert.equal((city.city?.names as Record<string, string>).en, "Linköping");
    assert.equal(city.country?.isoCode, "SE");
    assert.equal(city.country?.isInEuropeanUnion, true);
    assert.deepEqual(city.location, {
      accuracyRadius: 76,
      latitude: 58.4167,
      longitude: 15.6167,
      timeZone: "Europe/Stockholm",
    });
    assert.equal((city.subdivisions as unknown as { isoCode: string }[])[0]?.isoCode, "E");
  }
  for (const address of ["8.8.8.8", "asdfgh", "", "::1"]) assert.equal(await locate([address], OTHER), null, address);
  await assert.rejects(locate([42], OTHER), TypeError);
});

Deno.test("MM-01 geoip.locate rejects in the known words without a database", async () => {
  using database = await openGeoipDatabase({ path: undefined, onError: assert.fail });
  await assert.rejects(createGeoipServices(database)["geoip.locate"](["8.8.8.8"], OTHER), {
    message: "IP location capabilities are not available in this PostHog instance!",
  });
});

Deno.test("openGeoipDatabase() reads the file when it appears and again when it changes, and keeps the last good one", async () => {
  await using folder = await temporaryFolder();
  const path = folder.file("city.mmdb");
  const errors: string[] = [];
  using database = await openGeoipDatabase({ path, onError: (message) => errors.push(message), checkEveryMs: 5 });
  assert.match(errors[0] ?? "", /Cannot read the GeoIP database/);

  await Deno.writeFile(path, encodeMmdb({ "1.2.3.4": LINKOEPING }));
  await until(() => isKnown("1.2.3.4"));
  await Deno.writeFile(folder.file("new"), encodeMmdb({ "1.2.3.4": LINKOEPING, "5.6.7.8": LINKOEPING }));
  await Deno.rename(folder.file("new"), path);
  await until(() => isKnown("5.6.7.8"));
  errors.length = 0;
  await Deno.writeTextFile(path, "broken");
  await until(() => errors.length > 0);
  assert.ok(isKnown("5.6.7.8"));

  function isKnown(address: string): boolean {
    try {
      return database.locate(address) !== null;
    } catch {
      return false;
    }
  }
});

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

Deno.test("openGeoipDatabase() serves kinds that have what geoip.locate promises or a part of it, and refuses others by name", async () => {
  await using folder = await temporaryFolder();
  const path = folder.file("kind.mmdb");
  for (const kind of ["GeoIP2-City", "DBIP-City-Lite", "GeoIP2-Enterprise", "GeoLite2-Country"]) {
    await Deno.writeFile(path, encodeMmdb({ "1.2.3.4": LINKOEPING }, kind));
    using database = await openGeoipDatabase({ path, onError: assert.fail });
    const found = database.locate("1.2.3.4") as { country?: { isoCode?: string }; city?: unknown };
    assert.equal(found.country?.isoCode, "SE", kind);
    assert.equal(found.city === undefined, kind === "GeoLite2-Country", kind);
    assert.equal(database.locate("8.8.8.8"), null);
  }
  const errors: string[] = [];
  await Deno.writeFile(path, encodeMmdb({ "1.2.3.4": LINKOEPING }, "GeoLite2-ASN"));
  using database = await openGeoipDatabase({ path, onError: (message) => errors.push(message) });
  assert.match(errors.join(), /found a database of the kind "GeoLite2-ASN", expected City, Enterprise or Country/);
  assert.throws(() => database.locate("1.2.3.4"), /not available/);
});
