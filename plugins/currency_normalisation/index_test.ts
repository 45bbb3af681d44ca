import assert from "node:assert/strict";
import { startPlugin } from "hogpen/testing";

const URL = "https://openexchangerates.org/api/latest.json?app_id=KEY";
const RATES = { url: URL, json: { base: "USD", rates: { USD: 1, EUR: 0.8, GBP: 0.5 } } };
const config = { openExchangeRatesApiKey: "KEY" };

Deno.test("currency_normalisation converts amounts, by rates that it fetched once", async () => {
  await using plugin = await startPlugin(import.meta.dirname, { config, fetch: [RATES] });
  const convert = (amount: unknown, currency: unknown) => plugin.propertiesOf({ amount, currency });
  assert.deepEqual(await convert("20", "USD"), {
    amount: "20",
    currency: "USD",
    normalized_amount: 16,
    normalized_currency: "EUR",
  });
  assert.equal((await convert(10, "gbp")).normalized_amount, 16);
  assert.equal((await convert(0.1, "USD")).normalized_amount, 0.08);
  for (const [amount, currency] of [["x", "USD"], ["", "USD"], [null, "USD"], [1, "XXX"], [1, undefined]]) {
    assert.equal("normalized_amount" in await convert(amount, currency), false, `${amount} ${currency}`);
  }
  assert.deepEqual(plugin.fetched.map(({ url }) => url), [URL]);
});

Deno.test("currency_normalisation fetches new rates after a day and keeps the old ones when it cannot", async () => {
  await using plugin = await startPlugin(import.meta.dirname, {
    config,
    fetch: [
      { ...RATES, times: 1 },
      { url: URL, status: 500, times: 1 },
      { url: URL, json: { rates: { USD: 1, EUR: 0.9 } } },
    ],
  });
  const convert = async () => (await plugin.propertiesOf({ amount: 100, currency: "USD" })).normalized_amount;
  await plugin.run("runEveryHour");
  assert.equal(plugin.fetched.length, 1);
  plugin.advance(25 * 3600 * 1000);
  await plugin.run("runEveryHour");
  assert.equal(await convert(), 80);
  assert.match(plugin.logs[0]?.message ?? "", /it answered 500/);
  await plugin.run("runEveryHour");
  assert.equal(await convert(), 90);
});

Deno.test("currency_normalisation is set up again when the rates cannot be had, not when the key is wrong", async () => {
  const start = (rule: object) => startPlugin(import.meta.dirname, { config, fetch: [{ url: URL, ...rule }] });
  await assert.rejects(start({ status: 503 }), { name: "RetryError" });
  await assert.rejects(start({ network_error: "boom" }), { name: "RetryError" });
  await assert.rejects(start({ status: 401 }), { name: "Error" });
  await assert.rejects(start({ json: {} }), /expected an object "rates"/);
  await assert.rejects(
    startPlugin(import.meta.dirname, { config: { ...config, normalizedCurrency: "XTS" }, fetch: [RATES] }),
    /there is no rate for "XTS"/,
  );
});
