/**
 * Adds where the event's IP address is, as `$geoip_…` properties.
 * @module
 */

import type { Meta, PluginEvent } from "@posthog/plugin-scaffold";

type GeoipEnrichment = { config: { personProperties: string; removeIp: string } };

/** What is known of a place, by the names PostHog gives them after `$geoip_`. */
type Place = Record<string, string | number | null>;
type City = NonNullable<Awaited<ReturnType<Meta["geoip"]["locate"]>>>;

export async function processEvent(
  event: PluginEvent,
  { config, geoip }: Meta<GeoipEnrichment>,
): Promise<PluginEvent> {
  const properties = event.properties ??= {};
  if (properties.$geoip_disable) return event;
  const address = typeof properties.$ip === "string" ? properties.$ip : event.ip;
  const city = address ? await geoip.locate(address) : null;
  if (config.removeIp === "Yes") {
    event.ip = null;
    delete properties.$ip;
  }
  if (!city) return event;

  const place = placeOf(city);
  for (const [name, value] of Object.entries(place)) {
    if (value !== null) properties[`$geoip_${name}`] = value;
  }
  if (config.personProperties !== "No") {
    // With the parts that are not known as null: a city remembered from another country must not stay.
    properties.$set = { ...withPrefix("$geoip_", place), ...properties.$set };
    properties.$set_once = { ...withPrefix("$initial_geoip_", place), ...properties.$set_once };
  }
  return event;
}

function placeOf({ city, country, continent, postal, location, subdivisions }: City): Place {
  const [first, second] = subdivisions ?? [];
  return {
    city_name: city?.names?.en ?? null,
    country_name: country?.names?.en ?? null,
    country_code: country?.isoCode ?? null,
    continent_name: continent?.names?.en ?? null,
    continent_code: continent?.code ?? null,
    postal_code: postal?.code ?? null,
    latitude: location?.latitude ?? null,
    longitude: location?.longitude ?? null,
    accuracy_radius: location?.accuracyRadius ?? null,
    time_zone: location?.timeZone ?? null,
    subdivision_1_code: first?.isoCode ?? null,
    subdivision_1_name: first?.names?.en ?? null,
    subdivision_2_code: second?.isoCode ?? null,
    subdivision_2_name: second?.names?.en ?? null,
  };
}

function withPrefix(prefix: string, place: Place): Place {
  return Object.fromEntries(Object.entries(place).map(([name, value]) => [prefix + name, value]));
}
