/**
 * Plugins that look for what no plugin may hold, in all that a package gives them. `URL.forbidden` of the reach cell
 * names it when they find it.
 * @module
 */

/** Follows every property, getter and prototype from the roots on. */
const WALK = `
/** Deno keeps on its handles what the sandbox remembers of the call in which they were made. */
const isContext = (key, value) => /async_?context/i.test(String(key)) && isObject(value);
const isObject = (value) => (typeof value === 'object' && value !== null) || typeof value === 'function';
function walk(roots, found, readGetters) {
  const seen = new Set(); const queue = [];
  const add = (path, value) => {
    if (!isObject(value) || seen.has(value)) return;
    seen.add(value);
    const name = URL.forbidden(value);
    if (name === undefined || path === 'realm') queue.push([path, value]); else found[path] = name;
  };
  for (const [name, value] of Object.entries(roots)) add(name, value);
  for (let at = 0; at < queue.length && at < 150000; at++) {
    const [path, value] = queue[at];
    add(path + '.__proto__', Object.getPrototypeOf(value));
    if (ArrayBuffer.isView(value)) continue;
    for (const key of Reflect.ownKeys(value)) {
      const descriptor = Reflect.getOwnPropertyDescriptor(value, key);
      if (!descriptor) continue;
      const place = path + '.' + String(key);
      if (isContext(key, descriptor.value)) found[place] = 'the context of a call';
      add(place, descriptor.value); add(place + ' get', descriptor.get); add(place + ' set', descriptor.set);
      if (readGetters && descriptor.get) { try { add(place, value[key]) } catch {} }
    }
  }
  return queue;
}`;

/**
 * Calls every function with each \`this\` and each list of arguments, and looks at what comes back, what is thrown,
 * what callbacks get, and what is done to a stranger: a proxy that is handed in and is, for all that is asked of it,
 * itself again.
 */
const CALL = `
/** What is asked of one stranger; behind that it throws, so that no loop over it is endless. */
const MOST_QUESTIONS = 100;
/** How far what comes back is looked into. */
const DEPTH = 3;
function caller(found) {
  const known = new WeakSet();
  let calls = 0;
  function look(how, value, depth = DEPTH) {
    if (!isObject(value) || strangers.has(value)) return;
    const name = URL.forbidden(value);
    if (name !== undefined) { found[how] ??= name; return }
    if (known.has(value)) return;
    known.add(value);
    if (value instanceof Promise) return void value.then((each) => look(how + ' (later)', each), (error) => look(how + ' (failed later)', error));
    if (depth === 0 || ArrayBuffer.isView(value)) return;
    look(how + '.__proto__', Object.getPrototypeOf(value), depth - 1);
    for (const key of Reflect.ownKeys(value).slice(0, 200)) {
      let descriptor; try { descriptor = Reflect.getOwnPropertyDescriptor(value, key) } catch {}
      if (!descriptor) continue;
      if (isContext(key, descriptor.value)) found[how] = 'the context of a call';
      for (const part of [descriptor.value, descriptor.get, descriptor.set]) look(how + '.' + String(key), part, depth - 1);
    }
  }
  const strangers = new WeakSet();
  function stranger(how) {
    let questions = 0;
    const ask = () => { if (++questions > MOST_QUESTIONS) throw new Error('enough') };
    const self = new Proxy(function () {}, {
      get(_target, key) {
        ask();
        if (key === 'then' || key === Symbol.iterator || key === Symbol.asyncIterator) return undefined;
        return key === Symbol.toPrimitive ? () => 'x' : self;
      },
      set(_target, key, value) { ask(); look(how + ' sets ' + String(key), value); return true },
      defineProperty(_target, key, { value, get, set }) {
        ask();
        for (const each of [value, get, set]) look(how + ' defines ' + String(key), each);
        return true;
      },
      apply(_target, its, args) { ask(); look(how + ' this of a method', its); for (const each of args) look(how + ' passes', each); return self },
      construct(_target, args, target) { ask(); look(how + ' constructs', target); for (const each of args) look(how + ' passes', each); return self },
      setPrototypeOf(_target, prototype) { ask(); look(how + ' sets the prototype', prototype); return true },
      getPrototypeOf() { ask(); return null },
      has() { ask(); return true },
    });
    strangers.add(self);
    return self;
  }
  function callback(how) {
    return function (...args) { look(how + ' this of a callback', this); for (const each of args) look(how + ' tells a callback', each) };
  }
  function call(path, each) {
    const odd = stranger(path);
    const told = callback(path);
    for (const args of [[], [told], [told, {}, told], [odd], [{}, odd, told], ['x', told, odd]]) {
      for (const self of [undefined, null, 1, 'x', new Proxy({}, {}), stranger(path)]) {
        calls++;
        try { look(path, Reflect.apply(each, self, args)) } catch (error) { look(path + ' throws', error) }
      }
      calls++;
      try { look('new ' + path, Reflect.construct(each, args)) } catch (error) { look('new ' + path + ' throws', error) }
    }
  }
  return { call, look, calls: () => calls };
}`;

/** Code in which `m` is the package and `made` what `make` makes of it. */
function plugin(make: string, body: string): string {
  return `${WALK}${CALL}
exports.processEvent = async (event) => {
  const found = {};
  const m = require(event.event);
  const made = await (async () => { ${make} })() ?? {};
  ${body}
}`;
}

/** Walks the package. */
const WALK_PACKAGE = `({ objects: walk({ exports: m, ...made }, walkFound, true).length, found: walkFound })`;

/** Only walks the package. */
export function walker(make: string): string {
  return plugin(make, `const walkFound = {}; return { ...event, ...${WALK_PACKAGE} };`);
}

/** Walks from the Worker's global object, as if a plugin had got hold of it, and calls what it finds there. */
export function realmWalker(): string {
  return plugin(
    "",
    `const all = walk({ realm: URL.realm() }, found, true);
    const functions = all.filter(([path, value]) => typeof value === 'function' && !/\\.(forbidden|plant|realm)$/.test(path));
    const { call, calls } = caller(found);
    for (const [path, each] of functions) call(path, each);
    await null;
    for (const [path, name] of Object.entries(found)) if (name === 'globalThis') delete found[path];
    return { ...event, objects: all.length, functions: functions.length, calls: calls(), found };`,
  );
}

/** Looks for what can be changed of all that the Worker's global object leads to. */
export function realmChanger(): string {
  return plugin(
    "",
    `const all = walk({ realm: URL.realm(), subtle: URL.realm().crypto.subtle }, {}, false);
    for (const [path, value] of all) {
      // Of a function nothing is used but that it can be called.
      if (ArrayBuffer.isView(value) || (typeof value === 'function' && !value.prototype)) continue;
      if (Object.isExtensible(value)) found[path] = 'can be added to';
      for (const key of Reflect.ownKeys(value)) {
        const place = path + '.' + String(key);
        const { configurable, writable } = Reflect.getOwnPropertyDescriptor(value, key);
        if (configurable) found[place] = 'can be defined anew';
        else if (writable) found[place] = 'can be written';
      }
    }
    return { ...event, objects: all.length, found };`,
  );
}

/** Calls all functions of the package. */
const CALL_PACKAGE = `(async () => {
    const all = walk({ exports: m, ...made }, {}, false);
    const functions = all.filter(([path, value]) => typeof value === 'function' && !/\\.(forbidden|plant|realm)$/.test(path));
    const { call, calls } = caller(found);
    const skipped = [];
    for (const [path, each] of functions) {
      // It repeats what it is told for as long as it is told to.
      const isLoop = /\\.(retry|waitFor|while|forever|repeat|times|until|whilst)/i.test(path);
      // Native code of Deno that ends the process when it is called so: that hurts its own plugin alone.
      const isNative = /\\b_handle\\b|\\bkHandle\\b/.test(path);
      if (isLoop || isNative) skipped.push(path); else call(path, each);
    }
    await null;
    return { objects: all.length, functions: functions.length, skipped: skipped.length, calls: calls(), found };
  })()`;

/** Only calls all functions of the package. */
export function packageCaller(make: string): string {
  return plugin(make, `return { ...event, ...await ${CALL_PACKAGE} };`);
}

/** Walks the package, then calls all its functions: loading a large package takes longer than the walk. */
export function packageExplorer(make: string): string {
  return plugin(
    make,
    `const walkFound = {}; const walked = ${WALK_PACKAGE};
    return { ...event, walked, called: await ${CALL_PACKAGE} };`,
  );
}
