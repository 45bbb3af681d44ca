/**
 * Cryptography that runs on native threads, a few at a time. The runtime starts a thread for each of dozens of calls,
 * and with all of them busy nothing else on the machine makes progress, although the plugin itself merely waits.
 * @module
 */

/** Half of what Node has: on a small machine the host needs a processor too. */
const THREADS = 2;

type AnyFunction = (this: unknown, ...args: unknown[]) => unknown;
type Functions = Record<PropertyKey, unknown>;

const WITH_CALLBACK = [
  "checkPrime",
  "generateKey",
  "generateKeyPair",
  "generatePrime",
  "hkdf",
  "pbkdf2",
  "randomBytes",
  "randomFill",
  "scrypt",
];
const PROMISIFIED = Symbol.for("nodejs.util.promisify.custom");

const waiting: (() => void)[] = [];
let running = 0;

/** Runs the work when a thread is free; it must call `leave` once. */
function enter(work: () => void): void {
  if (running >= THREADS) {
    waiting.push(work);
    return;
  }
  running++;
  work();
}

function leave(): void {
  running--;
  const next = waiting.shift();
  if (next !== undefined) enter(next);
}

function limitCallback(name: string, method: AnyFunction): AnyFunction {
  const limited: Record<string, AnyFunction> = {
    [name](...args) {
      // Node takes the callback from its position, whatever arguments follow.
      const place = args.findIndex((each) => typeof each === "function");
      const callback = args[place];
      if (typeof callback !== "function") return Reflect.apply(method, this, args);
      const start = () => {
        try {
          Reflect.apply(method, this, [...args.slice(0, place), (...results: unknown[]) => {
            leave();
            callback(...results);
          }]);
        } catch (error) {
          leave();
          throw error;
        }
      };
      // Wrong arguments throw at once, unless the call has to wait: then the callback hears of it.
      let waited = false;
      enter(() => {
        if (!waited) return start();
        try {
          start();
        } catch (error) {
          callback(error);
        }
      });
      waited = true;
    },
  };
  return limited[name]!;
}

function limitPromise(name: string, method: AnyFunction): AnyFunction {
  const limited: Record<string, AnyFunction> = {
    [name](...args) {
      return new Promise((resolve, reject) => {
        enter(() => {
          // Also when it throws at once: a place that is not given back is lost.
          const work = Promise.try(() => Reflect.apply(method, this, args));
          void work.then(resolve, reject).finally(leave);
        });
      });
    },
  };
  return limited[name]!;
}

/** Web cryptography. Before lockdown, which freezes it. */
export function limitWebCrypto(): void {
  const prototype = SubtleCrypto.prototype as unknown as Functions;
  for (const name of Object.getOwnPropertyNames(prototype)) {
    const method = prototype[name];
    if (name === "constructor" || typeof method !== "function") continue;
    Object.defineProperty(prototype, name, { value: limitPromise(name, method as AnyFunction) });
  }
}

/** Node's. Before it is frozen, once. */
export function limitNodeCrypto(crypto: Functions): void {
  for (const name of WITH_CALLBACK) {
    const method = crypto[name] as AnyFunction & Functions;
    const limited = limitCallback(name, method);
    const promisified = method[PROMISIFIED];
    if (typeof promisified === "function") {
      Object.defineProperty(limited, PROMISIFIED, { value: limitPromise(name, promisified as AnyFunction) });
    }
    Object.defineProperty(crypto, name, { value: limited, enumerable: true });
  }
}
