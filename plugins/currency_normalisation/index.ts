/**
 * Converts an amount of money to one currency, by rates that are fetched once a day.
 * @module
 */

import { type Meta, type PluginEvent, RetryError } from "@posthog/plugin-scaffold";

type Rates = Record<string, number>;
type CurrencyNormalisation = {
  config: {
    openExchangeRatesApiKey: string;
    ratesUrl: string;
    normalizedCurrency: string;
    amountProperty: string;
    currencyProperty: string;
    normalizedAmountProperty: string;
    normalizedCurrencyProperty: string;
  };
  global: { rates: Rates };
};
type CurrencyMeta = Meta<CurrencyNormalisation>;

const DAY_SECONDS = 24 * 60 * 60;

export async function setupPlugin(meta: CurrencyMeta): Promise<void> {
  // From the cache when the plugin was reloaded within the day: those who give rates away count requests.
  const cached = await meta.cache.get("rates", null) as Rates | null;
  meta.global.rates = cached ?? await fetchRates(meta);
  if (!(target(meta) in meta.global.rates)) {
    throw new Error(`Cannot convert amounts: there is no rate for "${meta.config.normalizedCurrency}"`);
  }
}

export async function runEveryHour(meta: CurrencyMeta): Promise<void> {
  if (await meta.cache.get("rates", null) !== null) return;
  try {
    meta.global.rates = await fetchRates(meta);
  } catch (error) {
    console.warn("The last known rates stay in use:", error);
  }
}

export function processEvent(event: PluginEvent, meta: CurrencyMeta): PluginEvent {
  const { config, global } = meta;
  const { properties } = event;
  if (!properties) return event;
  const given = properties[config.amountProperty];
  const amount = typeof given === "string" && given.trim() !== "" ? Number(given) : given;
  const currency = properties[config.currencyProperty];
  if (typeof amount !== "number" || !Number.isFinite(amount) || typeof currency !== "string") return event;

  const from = global.rates[currency.trim().toUpperCase()];
  const to = global.rates[target(meta)];
  if (!from || !to) return event;
  // To a hundredth of a cent: more would be the noise of the division.
  properties[config.normalizedAmountProperty] = Math.round(amount * to / from * 10_000) / 10_000;
  if (config.normalizedCurrencyProperty) properties[config.normalizedCurrencyProperty] = target(meta);
  return event;
}

function target({ config }: CurrencyMeta): string {
  return config.normalizedCurrency.trim().toUpperCase();
}

async function fetchRates({ config, cache }: CurrencyMeta): Promise<Rates> {
  const url = new URL(config.ratesUrl);
  if (config.openExchangeRatesApiKey) url.searchParams.set("app_id", config.openExchangeRatesApiKey);
  let response: Response;
  try {
    response = await fetch(url.href);
  } catch (error) {
    throw new RetryError(`Cannot fetch rates from ${url.host}: ${error instanceof Error ? error.message : error}`);
  }
  if (response.status >= 500 || response.status === 429) {
    throw new RetryError(`Cannot fetch rates from ${url.host}: it answered ${response.status}`);
  }
  if (!response.ok) throw new Error(`Cannot fetch rates from ${url.host}: it answered ${response.status}`);
  const { rates } = await response.json();
  if (typeof rates !== "object" || rates === null) {
    throw new Error(`Cannot fetch rates from ${url.host}: expected an object "rates" in the answer`);
  }
  await cache.set("rates", rates, DAY_SECONDS);
  return rates;
}
