import { type Resource, resources } from './objects.ts'

export const version = {
  major: '1',
  minor: '36',
  gitVersion: 'v1.36.3+sandbox',
  gitCommit: 'sandbox',
  gitTreeState: 'clean',
  buildDate: '2026-07-22T18:07:38Z',
  goVersion: 'go1.26.8',
  compiler: 'gc',
  platform: 'linux/amd64',
}

export const coreVersions = { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] }

export const groups = {
  kind: 'APIGroupList',
  apiVersion: 'v1',
  groups: [
    ['apps', 'v1'],
    ['authorization.k8s.io', 'v1'],
    ['autoscaling', 'v2'],
  ].map(([name, version]) => {
    const preferred = { groupVersion: `${name}/${version}`, version }
    return { name, versions: [preferred], preferredVersion: preferred }
  }),
}

export const coreResources = resourceList('v1', [
  ...listed(''),
  { name: 'pods/log', singularName: '', namespaced: true, kind: 'Pod', verbs: ['get'] },
])

export const appsResources = resourceList('apps/v1', [
  ...listed('apps'),
  {
    name: 'deployments/scale',
    singularName: '',
    namespaced: true,
    group: 'autoscaling',
    version: 'v1',
    kind: 'Scale',
    verbs: ['get', 'patch', 'update'],
  },
])

export const autoscalingResources = resourceList('autoscaling/v2', listed('autoscaling'))

export const authorizationResources = resourceList('authorization.k8s.io/v1', [
  review('selfsubjectaccessreviews', 'SelfSubjectAccessReview'),
  review('selfsubjectrulesreviews', 'SelfSubjectRulesReview'),
])

function resourceList(groupVersion: string, entries: object[]) {
  return { kind: 'APIResourceList', apiVersion: 'v1', groupVersion, resources: entries }
}

function listed(group: string) {
  const names = (Object.keys(resources) as Resource[]).filter((name) => resources[name].group === group)
  return names.map((name) => {
    const { singular, short, kind, namespaced } = resources[name]
    const verbs = name === 'deployments' ? ['get', 'list', 'patch'] : ['get', 'list']
    return { name, singularName: singular, namespaced, kind, verbs, ...(short.length > 0 && { shortNames: short }) }
  })
}

function review(name: string, kind: string) {
  return { name, singularName: kind.toLowerCase(), namespaced: false, kind, verbs: ['create'] }
}
