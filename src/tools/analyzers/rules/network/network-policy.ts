import type { Analyzer, Finding } from '../../analyzer.ts'
import type { ObjectOf } from '../../kinds/index.ts'
import { type LabelSelector, matchesSelector } from '../../kinds/meta.ts'
import { refOf, type Snapshot } from '../../snapshot.ts'
import { hasLasted, minute } from '../age.ts'
import { merged } from '../merge.ts'
import { about, byNamespace, fullName, selectorText } from '../phrases.ts'
import { type Template, templateKinds, templatesAreKnown, templatesOf } from '../templates.ts'

/** Policies for pods that there are none of. One for all pods of a namespace is a good practice, not a fault. */
export const networkPolicy: Analyzer = {
  name: 'NetworkPolicy',
  finds: 'policies that select no pod',
  core: false,
  reads: ['NetworkPolicy', 'Pod', ...templateKinds],
  inspect(snapshot) {
    const pods = byNamespace(snapshot.list('Pod'))
    const templates = Map.groupBy(templatesOf(snapshot), ({ namespace }) => namespace)
    return merged(
      snapshot.list('NetworkPolicy').flatMap((policy) => {
        const namespace = policy.metadata.namespace ?? ''
        return matchesNothing(policy, pods.get(namespace) ?? [], templates.get(namespace) ?? [], snapshot)
      }),
    )
  },
}

function matchesNothing(
  { metadata, spec }: ObjectOf<'NetworkPolicy'>,
  pods: ObjectOf<'Pod'>[],
  templates: Template[],
  snapshot: Snapshot,
): Finding[] {
  const selector = spec?.podSelector
  if (!selector || isEmpty(selector) || !hasLasted(metadata.creationTimestamp, 10 * minute, snapshot)) return []
  if (!snapshot.isKnown('Pod', metadata.namespace) || !templatesAreKnown(snapshot, metadata.namespace)) return []
  if (pods.some((pod) => matchesSelector(selector, pod.metadata.labels))) return []
  if (templates.some(({ labels }) => matchesSelector(selector, labels))) return []
  return [
    {
      ...about('NetworkPolicy', metadata, snapshot),
      reason: 'SelectorMatchesNothing',
      severity: 'info',
      confidence: 'high',
      text: `NetworkPolicy ${fullName(metadata)} applies to nothing: no pod and no pod template in its namespace matches ${selectorText(selector)}.`,
      evidence: [{ object: refOf('NetworkPolicy', metadata), path: 'spec.podSelector', value: selectorText(selector) }],
      next: `k8s_list_pods namespace=${metadata.namespace}`,
      field: 'spec.podSelector',
    },
  ]
}

const isEmpty = ({ matchLabels = {}, matchExpressions = [] }: LabelSelector): boolean =>
  Object.keys(matchLabels).length === 0 && matchExpressions.length === 0
