/**
 * Project 1 with one plugin config, 39, in a real cell, the consumers that it asks for, and the runner of its jobs.
 * @module
 */

import assert from "node:assert/strict";
import { type Consumers, createConsumers } from "../../host/consumers/consumers.ts";
import { planConsumers } from "../../host/consumers/plan_consumers.ts";
import { requeueDeadLetter } from "../../host/consumers/requeue_dead_letter.ts";
import { createJobQueue, type JobQueue } from "../../host/jobs/job_queue.ts";
import { createJobRunner } from "../../host/jobs/job_runner.ts";
import type { DeadLetter } from "../../host/store/store.ts";
import { eventually } from "./eventually.ts";
import type { Flow } from "./flow.ts";
import { openPluginHost, type PluginHost, type RunOptions } from "./plugin_host.ts";

export interface Project extends AsyncDisposable {
  host: PluginHost;
  consumers: Consumers;
  queue: JobQueue;
  letters(): Promise<DeadLetter[]>;
  requeue(letter: DeadLetter): Promise<void>;
}

export async function openProject(flow: Flow, code: string, more: RunOptions = {}): Promise<Project> {
  const { clock, store } = flow;
  const queue = createJobQueue(store.jobs, { clock, wake: () => runner.wake() });
  const host = openPluginHost(flow, queue);
  const { plugins, journal } = host;
  const runner = createJobRunner({ ...flow, plugins, journal, owner: crypto.randomUUID() });
  const consumers = createConsumers(flow);
  const plugin = await host.run(39, code, more);
  runner.wake();
  const config = {
    projects: [{
      id: 1,
      name: "test",
      token: "phc_test",
      anonymizeIps: false,
      isolation: "each" as const,
      destinations: [],
      plugins: [{
        ...plugin,
        id: 39,
        source: { inline: code },
        enabled: true,
        order: 0,
        attachments: {},
        memoryMb: 256,
        egress: { allow: [] },
        cell: null,
      }],
    }],
  };
  const openDestination = () => assert.fail("there are no destinations");
  await consumers.apply(planConsumers(config, { plugins, journal, clock, jobs: queue, openDestination }));
  await eventually("the consumers have started", async () => {
    return (await consumers.list()).every(({ state }) => state !== "starting");
  });
  return {
    host,
    consumers,
    queue,
    requeue: (letter) => requeueDeadLetter(letter, { log: flow.log, redeliver: consumers.redeliver }),
    letters: async () => (await store.deadLetters.list({ limit: 100 })).results,
    async [Symbol.asyncDispose]() {
      await consumers[Symbol.asyncDispose]();
      await runner[Symbol.asyncDispose]();
      await host[Symbol.asyncDispose]();
    },
  };
}
