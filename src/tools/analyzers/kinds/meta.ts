import * as z from 'zod'

/** A field that may be missing, null or of another shape: then it is not there. */
export const maybe = <Schema extends z.ZodType>(schema: Schema) =>
  schema
    .nullish()
    .transform((value) => value ?? undefined)
    .catch(undefined)

export const text = maybe(z.string())
export const number = maybe(z.number())
export const flag = maybe(z.boolean())
export const list = <Schema extends z.ZodType>(schema: Schema) => maybe(z.array(schema))
export const texts = list(z.string())
export const strings = z.record(z.string(), z.string())

const OwnerReference = z.object({
  apiVersion: maybe(z.string()),
  kind: z.string(),
  name: z.string(),
  uid: maybe(z.string()),
  controller: maybe(z.boolean()),
})

/** kubectl keeps the whole object in one of them, which would double what a snapshot takes. */
function withoutLastApplied(annotations: Record<string, string> | undefined): Record<string, string> | undefined {
  if (annotations?.['kubectl.kubernetes.io/last-applied-configuration'] === undefined) return annotations
  const { 'kubectl.kubernetes.io/last-applied-configuration': _, ...others } = annotations
  return others
}

export const Meta = z.object({
  name: z.string().min(1),
  namespace: maybe(z.string()),
  uid: maybe(z.string()),
  generation: maybe(z.number()),
  labels: maybe(strings),
  annotations: maybe(strings).transform(withoutLastApplied),
  ownerReferences: maybe(z.array(OwnerReference)),
  finalizers: maybe(z.array(z.string())),
  creationTimestamp: maybe(z.string()),
  deletionTimestamp: maybe(z.string()),
})
export type Meta = z.output<typeof Meta>

export const Condition = z.object({
  type: z.string(),
  status: z.string(),
  reason: maybe(z.string()),
  message: maybe(z.string()),
  lastTransitionTime: maybe(z.string()),
  observedGeneration: maybe(z.number()),
})
export type Condition = z.output<typeof Condition>
export const conditions = maybe(z.array(Condition))

export const LabelSelector = z.object({
  matchLabels: maybe(strings),
  matchExpressions: maybe(
    z.array(z.object({ key: z.string(), operator: z.string(), values: maybe(z.array(z.string())) })),
  ),
})
export type LabelSelector = z.output<typeof LabelSelector>

/** A selector's verdict on labels, by Kubernetes' rules. An empty selector matches everything. */
export function matchesSelector(selector: LabelSelector, labels: Record<string, string> = {}): boolean {
  const pairs = Object.entries(selector.matchLabels ?? {})
  return (
    pairs.every(([key, value]) => labels[key] === value) &&
    (selector.matchExpressions ?? []).every(({ key, operator, values = [] }) => {
      const value = Object.hasOwn(labels, key) ? labels[key] : undefined
      switch (operator) {
        case 'In':
          return value !== undefined && values.includes(value)
        case 'NotIn':
          return value === undefined || !values.includes(value)
        case 'Exists':
          return value !== undefined
        case 'DoesNotExist':
          return value === undefined
        default:
          return false
      }
    })
  )
}
