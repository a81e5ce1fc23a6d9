import { registerHooks } from 'node:module'
import type { KubeConfig as FullKubeConfig } from '@kubernetes/client-node'

const generated = 'data:text/javascript,export const createConfiguration = undefined, ServerConfiguration = undefined'

// The package's entry loads a generated client for every kind of the API: 60 MiB and most of a start, for clients nobody here uses
// (cluster.ts sends its requests itself). KubeConfig needs them only for makeApiClient, which does not work in this process.
const hooks = registerHooks({
  resolve(specifier, context, next) {
    const isGenerated = specifier === './gen/index.js' && context.parentURL?.endsWith('/client-node/dist/config.js')
    return isGenerated ? { url: generated, shortCircuit: true } : next(specifier, context)
  },
})

/** Reads kubeconfigs and service accounts, and signs requests with what they say. */
export const { KubeConfig } = (await import('@kubernetes/client-node/dist/config.js')) as unknown as {
  KubeConfig: new () => Omit<FullKubeConfig, 'makeApiClient'>
}
export type KubeConfig = InstanceType<typeof KubeConfig>

hooks.deregister()
