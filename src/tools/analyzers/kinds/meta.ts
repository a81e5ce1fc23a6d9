import {
  flag,
  type Kept,
  list,
  made,
  misfit,
  number,
  object,
  type Shape,
  string,
  strings,
  text,
  texts,
} from './shape.ts'

const OwnerReference = object({
  apiVersion: text,
  kind: string,
  name: string,
  uid: text,
  controller: flag,
})

/** kubectl keeps the whole object in one of them, which would double what a snapshot takes. */
function withoutLastApplied(annotations: Record<string, string> | undefined): Record<string, string> | undefined {
  if (annotations?.['kubectl.kubernetes.io/last-applied-configuration'] === undefined) return annotations
  const { 'kubectl.kubernetes.io/last-applied-configuration': _, ...others } = annotations
  return others
}

const nonEmpty: Shape<string> = (value) => (value === '' ? misfit : string(value))

export const Meta = object({
  name: nonEmpty,
  namespace: text,
  uid: text,
  generation: number,
  labels: strings,
  annotations: made(strings, withoutLastApplied),
  ownerReferences: list(OwnerReference),
  finalizers: texts,
  creationTimestamp: text,
  deletionTimestamp: text,
})
export type Meta = Kept<typeof Meta>

export const conditionFields = {
  type: string,
  status: string,
  reason: text,
  message: text,
  lastTransitionTime: text,
  observedGeneration: number,
}
export const Condition = object(conditionFields)
export type Condition = Kept<typeof Condition>
export const conditions = list(Condition)

export const LabelSelector = object({
  matchLabels: strings,
  matchExpressions: list(object({ key: string, operator: string, values: texts })),
})
export type LabelSelector = Kept<typeof LabelSelector>

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
