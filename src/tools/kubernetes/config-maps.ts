import * as z from 'zod'
import { cutBytes, firstLines } from '../output.ts'
import { defineRead, type ReadTool } from '../tool.ts'
import type { Cluster } from './cluster.ts'
import { shownValue } from './hidden.ts'
import * as input from './inputs.ts'
import { notFound } from './not-found.ts'
import { type ConfigMap, paths } from './objects.ts'

const shortValue = 1_000

export function getConfigMap(cluster: Cluster): ReadTool {
  return defineRead({
    name: 'k8s_get_configmap',
    description: 'Keys and values of a configmap; key for one value in full.',
    input: z.object({ name: input.name, namespace: input.namespace, key: input.text }),
    rights: [{ group: '', resource: 'configmaps', verbs: ['get', 'list'] }],
    summary: ({ name, namespace }) => `configmap ${namespace ?? cluster.namespace}/${name}`,
    async run({ name, namespace, key }, { signal, maxBytes }) {
      const where = cluster.namespaceFor(namespace)
      const request = cluster.get<ConfigMap>(paths.configMap(where, name), { signal })
      const map = await notFound(request, cluster, 'ConfigMap', where, name, signal)
      const entries = entriesOf(map)
      if (key !== undefined) return firstLines(oneValue(`${where}/${name}`, entries, key), maxBytes)
      if (entries.length === 0) return `ConfigMap ${where}/${name} has no keys.`
      const text = entries.map(([name, value]) => rendered(name, shortened(name, value))).join('\n')
      return firstLines(`ConfigMap ${where}/${name}\n${text}`, maxBytes)
    },
  })
}

/** What may be shown of each key, sorted by key. */
function entriesOf({ data = {}, binaryData = {} }: ConfigMap): [key: string, value: string][] {
  const texts = Object.entries(data).map(([key, value]): [string, string] => [key, shownValue(key, value)])
  const bytes = Object.entries(binaryData).map(([key, value]): [string, string] => [
    key,
    `(${Buffer.byteLength(value, 'base64')} bytes, not text)`,
  ])
  return [...texts, ...bytes].sort(([a], [b]) => (a < b ? -1 : 1))
}

function oneValue(map: string, entries: [string, string][], key: string): string {
  const found = entries.find(([name]) => name === key)
  if (!found) throw new Error(`ConfigMap ${map} has no key ${key}. Keys: ${entries.map(([name]) => name).join(', ')}.`)
  return found[1]
}

function shortened(key: string, value: string): string {
  const bytes = Buffer.byteLength(value)
  if (bytes <= shortValue) return value
  return `${cutBytes(value, shortValue)}\n… ${bytes} bytes in all: ask with key=${key}.`
}

const rendered = (key: string, value: string): string =>
  value.includes('\n') ? `${key}:\n${value.trimEnd().replaceAll(/^/gm, '  ')}` : `${key}: ${value}`
