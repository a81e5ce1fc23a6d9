import { resources } from './objects.ts'
import { type Attributes, badRequest, invalid } from './status.ts'

/** What the user may not do; `*` stands for every verb, resource (`deployments`, `deployments/scale`) or namespace. */
export interface Denial {
  verb: string
  resource: string
  namespace?: string
}

export function isDenied(denials: Denial[], { verb, resource, subresource, namespace }: Attributes): boolean {
  const asked = subresource ? `${resource}/${subresource}` : resource
  return denials.some(
    (denial) =>
      ['*', verb].includes(denial.verb) &&
      ['*', asked].includes(denial.resource) &&
      ['*', namespace].includes(denial.namespace ?? '*'),
  )
}

/** The answer to a SelfSubjectAccessReview. */
export function reviewAccess(body: string, denials: Denial[]) {
  const spec = specOf(body)
  const { resourceAttributes, nonResourceAttributes } = spec as Record<string, Partial<Attributes> | undefined>
  if ((resourceAttributes === undefined) === (nonResourceAttributes === undefined))
    throw invalid('SelfSubjectAccessReview.authorization.k8s.io', '', [
      {
        field: 'spec.resourceAttributes',
        problem: 'Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes must be specified',
      },
    ])
  const asked = { verb: '', group: '', resource: '', ...resourceAttributes }
  const allowed = nonResourceAttributes !== undefined || !isDenied(denials, asked)
  return { kind: 'SelfSubjectAccessReview', ...authorization, metadata: {}, spec, status: { allowed } }
}

/** The answer to a SelfSubjectRulesReview: one rule a resource with the verbs that are left. */
export function reviewRules(body: string, denials: Denial[]) {
  const { namespace } = specOf(body) as { namespace?: string }
  const subjects = [...Object.entries(resources).map(([name, { group }]) => ({ name, group })), ...subresources]
  const resourceRules = subjects.map(({ name, group }) => ({
    verbs: verbs.filter((verb) => !isDenied(denials, attributes(verb, group, name, namespace))),
    apiGroups: [group],
    resources: [name],
  }))
  const status = {
    resourceRules: resourceRules.filter((rule) => rule.verbs.length > 0),
    nonResourceRules: [{ verbs: ['get'], nonResourceURLs: ['/api', '/apis', '/version'] }],
    incomplete: false,
  }
  return { kind: 'SelfSubjectRulesReview', ...authorization, metadata: {}, spec: {}, status }
}

const authorization = { apiVersion: 'authorization.k8s.io/v1' }
const verbs = ['get', 'list', 'patch', 'update']
const subresources = [
  { name: 'pods/log', group: '' },
  { name: 'deployments/scale', group: 'apps' },
]

function attributes(verb: string, group: string, name: string, namespace: string | undefined): Attributes {
  const [resource = '', subresource] = name.split('/')
  return { verb, group, resource, ...(subresource && { subresource }), ...(namespace && { namespace }) }
}

function specOf(body: string): object {
  try {
    const { spec } = JSON.parse(body)
    return typeof spec === 'object' && spec !== null ? spec : {}
  } catch {
    throw badRequest('the object provided is unrecognized (must be of type SelfSubjectAccessReview)')
  }
}
