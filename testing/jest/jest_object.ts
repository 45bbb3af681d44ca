/**
 * The `jest` object: mocks of functions and modules, fake timers, and the settings of a test file.
 * @module
 */

import fakeTimers from "@jest/fake-timers";
import type { JestConfig } from "./jest_config.ts";
import type { ModuleRegistry } from "./module_registry.ts";
import mock, { type ModuleMocker } from "jest-mock";

export interface FileState {
  /** Milliseconds that a test may take. */
  timeout: number;
  retries: number;
}

export interface JestEnvironment {
  state: FileState;
  moduleMocker: ModuleMocker;
  /** What to undo after the file: the timers. */
  dispose(): void;
  /** Timers of every test, as the configuration says. */
  beforeTest(): void;
  /** The `jest` of the module at a path. */
  jestFor(path: string, registry: ModuleRegistry): Record<string, unknown>;
}

type FakeOptions = {
  now?: number | Date;
  advanceTimers?: boolean | number;
  doNotFake?: string[];
  timerLimit?: number;
  legacyFakeTimers?: boolean;
};

export function createJestEnvironment(config: JestConfig): JestEnvironment {
  // Node's types know a `gc` that is there only when asked for.
  // What the types know of globalThis depends on what else is checked with them: the page brings those of browsers.
  const whole: object = globalThis;
  const global = whole as ConstructorParameters<typeof mock.ModuleMocker>[0];
  const moduleMocker = new mock.ModuleMocker(global);
  const legacy = new fakeTimers.LegacyFakeTimers({
    config: { rootDir: config.rootDir } as never,
    global,
    moduleMocker,
    timerConfig: {
      idToRef: (id: number) => ({ id, ref: noRef, unref: noRef }),
      refToId: (ref: { id: number }) => ref.id,
    } as never,
  });
  const modern = new fakeTimers.ModernFakeTimers({
    config: { rootDir: config.rootDir, fakeTimers: { enableGlobally: false } } as never,
    global,
  });
  let timers: typeof legacy | typeof modern = config.fakeTimers === "legacy" ? legacy : modern;
  const state: FileState = { timeout: config.testTimeout, retries: 0 };

  function useFakeTimers(given?: FakeOptions | "modern" | "legacy"): void {
    const isLegacy = typeof given === "object"
      ? given.legacyFakeTimers === true
      : (given ?? config.defaultTimers) === "legacy";
    timers.useRealTimers();
    timers = isLegacy ? legacy : modern;
    if (timers === legacy) legacy.useFakeTimers();
    else modern.useFakeTimers(typeof given === "object" ? given as never : undefined);
  }

  function modernOnly<T>(name: string, run: (timers: typeof modern) => T): T {
    if (timers === modern) return run(modern);
    throw new TypeError(`"jest.${name}" is not available when using legacy fake timers`);
  }

  function jestFor(path: string, registry: ModuleRegistry): Record<string, unknown> {
    /** Most functions can be chained. */
    const chain = <A extends unknown[]>(run: (...args: A) => unknown) => (...args: A) => {
      run(...args);
      return jest;
    };
    const setMock = chain((name: string, factory?: () => unknown, options?: { virtual?: boolean }) =>
      registry.setMock(path, name, factory, options?.virtual)
    );
    const unmock = chain((name: string) => registry.unmock(path, name));
    const setAutomock = (automock: boolean) => chain(() => registry.automock = automock);
    const jest: Record<string, unknown> = {
      fn: moduleMocker.fn.bind(moduleMocker),
      spyOn: moduleMocker.spyOn.bind(moduleMocker),
      replaceProperty: moduleMocker.replaceProperty.bind(moduleMocker),
      mocked: (source: unknown) => source,
      isMockFunction: (value: unknown) => Boolean((value as { _isMockFunction?: boolean } | null)?._isMockFunction),
      clearAllMocks: chain(() => moduleMocker.clearAllMocks()),
      resetAllMocks: chain(() => moduleMocker.resetAllMocks()),
      restoreAllMocks: chain(() => moduleMocker.restoreAllMocks()),

      mock: setMock,
      doMock: setMock,
      setMock: chain((name: string, exports: unknown) => registry.setMock(path, name, () => exports)),
      unmock,
      dontMock: unmock,
      deepUnmock: unmock,
      enableAutomock: setAutomock(true),
      disableAutomock: setAutomock(false),
      autoMockOn: setAutomock(true),
      autoMockOff: setAutomock(false),
      requireActual: (name: string) => registry.requireActual(path, name),
      requireMock: (name: string) => registry.requireMock(path, name),
      genMockFromModule: (name: string) => createMock(name),
      createMockFromModule: (name: string) => createMock(name),
      resetModules: chain(() => registry.reset()),
      isolateModules: chain((run: () => void) => registry.isolate(run)),
      isolateModulesAsync: (run: () => Promise<void>) => registry.isolate(run),

      useFakeTimers: chain(useFakeTimers),
      useRealTimers: chain(() => timers.useRealTimers()),
      runAllTicks: () => timers.runAllTicks(),
      runAllTimers: () => timers.runAllTimers(),
      runAllImmediates: () => legacy.runAllImmediates(),
      runOnlyPendingTimers: () => timers.runOnlyPendingTimers(),
      advanceTimersByTime: (ms: number) => timers.advanceTimersByTime(ms),
      advanceTimersToNextTimer: (steps?: number) => timers.advanceTimersToNextTimer(steps),
      runTimersToTime: (ms: number) => timers.advanceTimersByTime(ms),
      clearAllTimers: () => timers.clearAllTimers(),
      getTimerCount: () => timers.getTimerCount(),
      setSystemTime: (now?: number | Date) => modernOnly("setSystemTime", (modern) => modern.setSystemTime(now)),
      getRealSystemTime: () => modernOnly("getRealSystemTime", (modern) => modern.getRealSystemTime()),
      now: () => timers === modern ? modern.now() : Date.now(),
      runAllTimersAsync: () => modernOnly("runAllTimersAsync", (modern) => modern.runAllTimersAsync()),
      runOnlyPendingTimersAsync: () =>
        modernOnly("runOnlyPendingTimersAsync", (modern) => modern.runOnlyPendingTimersAsync()),
      advanceTimersByTimeAsync: (ms: number) =>
        modernOnly("advanceTimersByTimeAsync", (modern) => modern.advanceTimersByTimeAsync(ms)),
      advanceTimersToNextTimerAsync: (steps?: number) =>
        modernOnly("advanceTimersToNextTimerAsync", (modern) => modern.advanceTimersToNextTimerAsync(steps)),

      setTimeout: chain((ms: number) => state.timeout = ms),
      retryTimes: chain((count: number) => state.retries = count),
      getSeed: () => 0,
      isEnvironmentTornDown: () => false,
    };
    function createMock(name: string): unknown {
      const metadata = moduleMocker.getMetadata(registry.requireActual(path, name));
      return metadata === null ? {} : moduleMocker.generateFromMetadata(metadata as never);
    }
    return jest;
  }

  return {
    state,
    moduleMocker,
    jestFor,
    beforeTest() {
      if (config.clearMocks) moduleMocker.clearAllMocks();
      if (config.resetMocks) moduleMocker.resetAllMocks();
      if (config.restoreMocks) moduleMocker.restoreAllMocks();
      if (config.fakeTimers !== "none" && (config.resetMocks || timers !== modern || !isFaked())) {
        useFakeTimers(config.fakeTimers);
      }
    },
    dispose() {
      legacy.dispose();
      modern.dispose();
      moduleMocker.restoreAllMocks();
    },
  };
}

/** Fake timers of either kind put functions of their own in the place of setTimeout. */
function isFaked(): boolean {
  return "clock" in setTimeout || "_isMockFunction" in setTimeout;
}

function noRef(): void {}
