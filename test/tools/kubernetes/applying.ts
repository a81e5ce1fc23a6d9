import { parse } from 'yaml'
import { answer } from '../tap.ts'
import type { House } from './house.ts'

/** Lets the sandbox take server-side applies, and know StorageClass, which belongs to the whole cluster. */
export function applying({ faults }: Pick<House, 'faults'>): void {
  const storage = { groupVersion: 'storage.k8s.io/v1', version: 'v1' }
  faults.push(
    answer(/^GET \/apis$/, 200, {
      kind: 'APIGroupList',
      groups: [{ name: 'storage.k8s.io', versions: [storage], preferredVersion: storage }],
    }),
    answer(/^GET \/apis\/storage\.k8s\.io\/v1$/, 200, {
      kind: 'APIResourceList',
      resources: [{ name: 'storageclasses', singularName: 'storageclass', namespaced: false, kind: 'StorageClass' }],
    }),
    ({ method, body, headers }, response) => {
      if (method !== 'PATCH' || headers['content-type'] !== 'application/apply-patch+yaml') return undefined
      response.writeHead(201, { 'content-type': 'application/json' }).end(JSON.stringify(parse(body)))
      return true
    },
  )
}

export const configMap = (name: string, namespace?: string): string =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${name}\n${namespace ? `  namespace: ${namespace}\n` : ''}data:\n  mode: calm\n`

export const storageClass = (name: string, namespace?: string): string =>
  `apiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata:\n  name: ${name}\n${namespace ? `  namespace: ${namespace}\n` : ''}provisioner: disk\n`
