import type { Analyzer, Finding } from '../../analyzer.ts'
import type { ObjectOf } from '../../kinds/index.ts'
import { refOf, type Snapshot } from '../../snapshot.ts'
import { byNamespace } from '../phrases.ts'
import { subjectOf } from '../subject.ts'

/** OLM installs nothing in a namespace with several groups. */
export const operatorGroup: Analyzer = {
  name: 'OperatorGroup',
  finds: 'namespaces with several OLM groups',
  core: false,
  reads: ['OperatorGroup'],
  inspect: (snapshot) =>
    [...byNamespace(snapshot.list('OperatorGroup')).values()].flatMap((groups) => several(groups, snapshot)),
}

function several(groups: ObjectOf<'OperatorGroup'>[], snapshot: Snapshot): Finding[] {
  const [first] = groups
  const namespace = first?.metadata.namespace
  if (!first || namespace === undefined || groups.length < 2) return []
  const { who } = subjectOf('OperatorGroup', first.metadata, snapshot)
  return [
    {
      ...who,
      reason: 'SeveralOperatorGroups',
      severity: 'warning',
      confidence: 'high',
      text: `Namespace ${namespace} has ${groups.length} OperatorGroups, and OLM allows one: ${groups.map(({ metadata }) => metadata.name).join(', ')}.`,
      evidence: groups.map(({ metadata }) => ({
        object: refOf('OperatorGroup', metadata),
        path: 'metadata.name',
        value: metadata.name,
      })),
      next: `k8s_list kind=OperatorGroup namespace=${namespace}`,
    },
  ]
}
