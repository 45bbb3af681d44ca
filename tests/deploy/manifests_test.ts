/**
 * Proves of the Compose file and the Kubernetes manifest what a dry run of their tools would: that every field is one
 * of the format, and that what they name of themselves is there. The tools themselves need a daemon or a cluster.
 */

import assert from "node:assert/strict";
import { parse, parseAllDocuments } from "yaml";
import { z } from "zod";

const DEPLOY = new URL("../../deploy/", import.meta.url);
const read = (path: string) => Deno.readTextFile(new URL(path, DEPLOY));

const duration = z.string().regex(/^(?:\d+(?:ms|s|m|h))+$/);
const quantity = z.string().regex(/^\d+(?:\.\d+)?(?:m|k|Ki|M|Mi|G|Gi)?$/);
const scalar = z.union([z.string(), z.number(), z.boolean()]);
const path = z.string().regex(/^\//);
const name = z.string().regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/);

// As the Compose specification has them.
const composeService = z.strictObject({
  build: z.strictObject({ context: z.string(), dockerfile: z.string() }).optional(),
  image: z.string().regex(/^[\w./-]+:[\w.-]+$/, "expected an image with its version").optional(),
  restart: z.enum(["no", "always", "on-failure", "unless-stopped"]),
  command: z.array(z.string()).optional(),
  profiles: z.array(z.string()).optional(),
  read_only: z.boolean().optional(),
  tmpfs: z.array(path).optional(),
  cap_drop: z.array(z.string()).optional(),
  security_opt: z.array(z.string().regex(/^[\w-]+:\w+$/)).optional(),
  stop_grace_period: duration.optional(),
  mem_limit: z.string().regex(/^\d+[bkmg]$/).optional(),
  pids_limit: z.int().positive().optional(),
  ports: z.array(z.string().regex(/^\d+:\d+$/)).optional(),
  volumes: z.array(z.string().regex(/^[\w./-]+:\/[\w./-]*(?::ro)?$/)).optional(),
  environment: z.record(z.string().regex(/^[A-Z_]+$/), scalar).optional(),
  depends_on: z.record(z.string(), z.strictObject({ condition: z.enum(["service_healthy", "service_started"]) }))
    .optional(),
  healthcheck: z.strictObject({ test: z.tuple([z.enum(["CMD", "CMD-SHELL"])], z.string()), interval: duration })
    .optional(),
});
const compose = z.strictObject({
  services: z.record(z.string(), composeService),
  volumes: z.record(z.string(), z.null()),
});

Deno.test("the Compose file has fields of its format alone, and what it names is there", async () => {
  const { services, volumes } = compose.parse(parse(await read("compose.yaml")));
  const used = new Set<string>();
  for (const [id, service] of Object.entries(services)) {
    assert.notEqual(service.build === undefined, service.image === undefined, `${id} has an image or is built`);
    for (const [other, { condition }] of Object.entries(service.depends_on ?? {})) {
      const found = services[other];
      assert(found, `${id} depends on ${other}, which is no service`);
      assert(condition !== "service_healthy" || found.healthcheck, `${other} says nothing of its health`);
      assert.equal(found.profiles, undefined, `${id} depends on ${other}, which is not always there`);
    }
    for (const volume of service.volumes ?? []) {
      const [source = ""] = volume.split(":");
      if (source.startsWith(".")) continue;
      assert(source in volumes, `${id} uses the volume ${source}, which is not declared`);
      used.add(source);
    }
  }
  assert.deepEqual([...used].sort(), Object.keys(volumes).sort());
  const { hogpen } = services;
  assert(hogpen?.build);
  await Deno.stat(new URL(`${hogpen.build.context}/${hogpen.build.dockerfile}`, DEPLOY));
  // As its addresses in the settings of the service say.
  for (const [, host = ""] of Object.values(hogpen.environment ?? {}).join(" ").matchAll(/(?:@|\/\/)(\w+):\d+/g)) {
    if (host !== "hogpen") assert(host in services, `${host} is no service`);
  }
});

const labels = z.record(z.string(), z.string());
const selector = z.strictObject({ matchLabels: labels });
const probe = z.strictObject({
  httpGet: z.strictObject({ path, port: name }),
  periodSeconds: z.int().positive(),
  timeoutSeconds: z.int().positive().optional(),
  failureThreshold: z.int().positive().optional(),
});
const container = z.strictObject({
  name,
  image: z.string(),
  securityContext: z.strictObject({
    allowPrivilegeEscalation: z.literal(false),
    readOnlyRootFilesystem: z.literal(true),
    capabilities: z.strictObject({ drop: z.tuple([z.literal("ALL")]) }),
  }),
  env: z.array(z.strictObject({ name: z.string(), value: z.string() })),
  envFrom: z.array(z.strictObject({ secretRef: z.strictObject({ name }) })),
  ports: z.array(z.strictObject({ name: name.max(15), containerPort: z.int().min(1).max(65_535) })),
  startupProbe: probe,
  livenessProbe: probe,
  readinessProbe: probe,
  resources: z.strictObject({
    requests: z.strictObject({ cpu: quantity, memory: quantity }),
    limits: z.strictObject({ memory: quantity }),
  }),
  volumeMounts: z.array(z.strictObject({ name, mountPath: path, readOnly: z.boolean().optional() })),
});
const pod = z.strictObject({
  automountServiceAccountToken: z.boolean(),
  terminationGracePeriodSeconds: z.int(),
  securityContext: z.strictObject({
    runAsNonRoot: z.literal(true),
    runAsUser: z.int().positive(),
    runAsGroup: z.int().positive(),
    fsGroup: z.int().positive(),
    fsGroupChangePolicy: z.enum(["OnRootMismatch", "Always"]),
    seccompProfile: z.strictObject({ type: z.literal("RuntimeDefault") }),
  }),
  containers: z.tuple([container]),
  volumes: z.array(z.strictObject({
    name,
    emptyDir: z.strictObject({ medium: z.enum(["", "Memory"]), sizeLimit: quantity }).optional(),
    configMap: z.strictObject({ name }).optional(),
  })),
});
const meta = z.strictObject({ name, labels: labels.optional(), annotations: labels.optional() });

const kubernetes = z.tuple([
  z.strictObject({
    apiVersion: z.literal("v1"),
    kind: z.literal("Service"),
    metadata: meta,
    spec: z.strictObject({
      selector: labels,
      ports: z.array(z.strictObject({ name, port: z.int().min(1).max(65_535), targetPort: name })),
    }),
  }),
  z.strictObject({
    apiVersion: z.literal("policy/v1"),
    kind: z.literal("PodDisruptionBudget"),
    metadata: meta,
    spec: z.strictObject({ maxUnavailable: z.int().min(0), selector }),
  }),
  z.strictObject({
    apiVersion: z.literal("apps/v1"),
    kind: z.literal("StatefulSet"),
    metadata: meta,
    spec: z.strictObject({
      serviceName: name,
      replicas: z.int().positive(),
      selector,
      template: z.strictObject({ metadata: meta.omit({ name: true }), spec: pod }),
      volumeClaimTemplates: z.array(z.strictObject({
        metadata: z.strictObject({ name }),
        spec: z.strictObject({
          accessModes: z.array(z.enum(["ReadWriteOnce", "ReadWriteOncePod", "ReadWriteMany"])),
          resources: z.strictObject({ requests: z.strictObject({ storage: quantity }) }),
        }),
      })),
    }),
  }),
]);

Deno.test("the Kubernetes manifest has fields of its kinds alone, and what it names is there", async () => {
  const documents = parseAllDocuments(await read("kubernetes/hogpen.yaml"));
  const [service, budget, set] = kubernetes.parse(documents.map((document) => document.toJS()));
  const { template, selector, serviceName, volumeClaimTemplates } = set.spec;
  const own = template.metadata.labels;
  assert.deepEqual([service.spec.selector, budget.spec.selector.matchLabels, selector.matchLabels], [own, own, own]);
  assert.equal(serviceName, service.metadata.name);

  const [{ ports, startupProbe, livenessProbe, readinessProbe, volumeMounts, env }] = template.spec.containers;
  const named = new Set(ports.map(({ name }) => name));
  for (const { targetPort } of service.spec.ports) assert(named.has(targetPort), targetPort);
  for (const { httpGet } of [startupProbe, livenessProbe, readinessProbe]) {
    assert(named.has(httpGet.port), httpGet.port);
  }
  const adminPort = env.find(({ name }) => name === "HOGPEN_ADMIN_PORT")?.value;
  assert.equal(adminPort, String(ports.find(({ name }) => name === "admin")?.containerPort));
  assert.equal(template.metadata.annotations?.["prometheus.io/port"], adminPort);

  const volumes = [
    ...template.spec.volumes.map(({ name }) => name),
    ...volumeClaimTemplates.map((each) => each.metadata.name),
  ];
  assert.deepEqual(volumeMounts.map(({ name }) => name).sort(), volumes.sort());
  // Stopping takes 15 s at most.
  assert(template.spec.terminationGracePeriodSeconds > 15);
});
