import { qualified, type Resource, resources } from './objects.ts'

/** A request that the API server refuses; `status` is the body it answers with. */
export class ApiError extends Error {
  readonly status: Status
  constructor(status: Status) {
    super(status.message)
    this.name = 'ApiError'
    this.status = status
  }
}

interface Status {
  kind: 'Status'
  apiVersion: 'v1'
  metadata: Record<string, never>
  status: 'Failure'
  message: string
  reason: string
  details?: Record<string, unknown>
  code: number
}

function refuse(code: number, reason: string, message: string, details?: Record<string, unknown>): ApiError {
  const failure = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason } as const
  return new ApiError({ ...failure, ...(details && { details }), code })
}

export const badRequest = (message: string) => refuse(400, 'BadRequest', message)

export const unauthorized = () => refuse(401, 'Unauthorized', 'Unauthorized')

export const unknownResource = () => refuse(404, 'NotFound', 'the server could not find the requested resource', {})

export const methodNotAllowed = () =>
  refuse(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource', {})

export const notAcceptable = () =>
  refuse(406, 'NotAcceptable', '406: Not Acceptable\n\nAvailable representations: application/json', {})

export const unsupportedMediaType = () => refuse(415, 'UnsupportedMediaType', '415: Unsupported Media Type', {})

export const patchRejected = () =>
  refuse(422, 'Invalid', 'the server rejected our request due to an error in our request', {})

export function notFound(resource: Resource, name: string): ApiError {
  return refuse(404, 'NotFound', `${qualified(resource)} "${name}" not found`, of(resource, name))
}

export function conflict(resource: Resource, name: string): ApiError {
  const sentence = 'the object has been modified; please apply your changes to the latest version and try again'
  const message = `Operation cannot be fulfilled on ${qualified(resource)} "${name}": ${sentence}`
  return refuse(409, 'Conflict', message, of(resource, name))
}

export interface Attributes {
  verb: string
  group: string
  resource: string
  subresource?: string
  namespace?: string
  name?: string
}

export function forbidden(user: string, { verb, group, resource, subresource, namespace, name }: Attributes): ApiError {
  const kind = group === '' ? resource : `${resource}.${group}`
  const asked = subresource ? `${resource}/${subresource}` : resource
  const scope = namespace ? `in the namespace "${namespace}"` : 'at the cluster scope'
  const subject = name ? `${kind} "${name}"` : kind
  const message = `${subject} is forbidden: User "${user}" cannot ${verb} resource "${asked}" in API group "${group}" ${scope}`
  return refuse(403, 'Forbidden', message, { ...(name && { name }), ...(group && { group }), kind: resource })
}

export interface FieldProblem {
  field: string
  problem: string
  reason?: 'FieldValueInvalid' | 'FieldValueNotSupported'
}

/** `kind` is what the message names, such as `Deployment.apps`. */
export function invalid(kind: string, name: string, problems: FieldProblem[]): ApiError {
  const [kindName, ...group] = kind.split('.')
  const causes = problems.map(({ field, problem, reason }) => ({
    reason: reason ?? 'FieldValueInvalid',
    message: problem,
    field,
  }))
  const sentences = problems.map(({ field, problem }) => `${field}: ${problem}`)
  const text = sentences.length === 1 ? sentences[0] : `[${sentences.join(', ')}]`
  return refuse(422, 'Invalid', `${kind} "${name}" is invalid: ${text}`, {
    ...(name && { name }),
    ...(group.length > 0 && { group: group.join('.') }),
    kind: kindName,
    causes,
  })
}

function of(resource: Resource, name: string) {
  const { group } = resources[resource]
  return { name, ...(group && { group }), kind: resource }
}
