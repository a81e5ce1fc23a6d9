import type { Analyzer, Finding } from '../../analyzer.ts'
import type { ObjectOf } from '../../kinds/index.ts'
import type { Snapshot } from '../../snapshot.ts'
import { hasLasted } from '../age.ts'
import { listed } from '../phrases.ts'
import { type Subject, subjectOf } from '../subject.ts'
import { notTakenUp } from './monitoring.ts'
import { expressionFault } from './promql.ts'
import { monitorGrace } from './service-monitor.ts'

type Rules = ObjectOf<'PrometheusRule'>
type Group = NonNullable<NonNullable<Rules['spec']>['groups']>[number]

export const prometheusRule: Analyzer = {
  name: 'PrometheusRule',
  finds: 'rules that do not parse, or are taken up by no Prometheus',
  core: false,
  reads: ['PrometheusRule', 'Prometheus', 'ThanosRuler', 'Namespace'],
  inspect: (snapshot) =>
    snapshot.list('PrometheusRule').flatMap((rules) => {
      const subject = subjectOf('PrometheusRule', rules.metadata, snapshot)
      return [...unusable(rules, subject), ...unused(rules, subject, snapshot)]
    }),
}

function unused({ metadata }: Rules, subject: Subject, snapshot: Snapshot): Finding[] {
  if (!hasLasted(metadata.creationTimestamp, monitorGrace, snapshot)) return []
  const choice = {
    servers: ['Prometheus' as const, 'ThanosRuler' as const],
    selector: 'ruleSelector' as const,
    namespaces: 'ruleNamespaceSelector' as const,
  }
  return notTakenUp(metadata, choice, subject, snapshot)
}

/** Prometheus refuses a whole file for one rule that it cannot read. */
function unusable({ spec }: Rules, { who, title, shows, get }: Subject): Finding[] {
  const groups = spec?.groups ?? []
  const faults = [...repeatedNames(groups), ...groups.flatMap(faultsOf)]
  const [first] = faults
  if (!first) return []
  return [
    {
      ...who,
      reason: 'RuleNotParsable',
      severity: 'warning',
      confidence: 'high',
      text: `Prometheus cannot read ${title}: ${listed(faults.map(({ what }) => what))}.`,
      evidence: faults.slice(0, 3).map(({ path, value }) => shows(path, value)),
      next: get,
      field: 'spec.groups',
    },
  ]
}

interface Fault {
  path: string
  value: string
  what: string
}

function repeatedNames(groups: Group[]): Fault[] {
  return groups.flatMap(({ name }, index) =>
    name !== undefined && groups.findIndex((group) => group.name === name) < index
      ? [{ path: `spec.groups[${index}].name`, value: name, what: `group ${name} is there twice` }]
      : [],
  )
}

function faultsOf({ name: group = 'not named', rules = [] }: Group, groupIndex: number): Fault[] {
  return rules.flatMap(({ alert, record, expr }, index) => {
    const path = `spec.groups[${groupIndex}].rules[${index}]`
    const name = alert ?? record ?? `number ${index + 1} of group ${group}`
    if (!alert && !record) return [{ path, value: String(expr ?? ''), what: `${name} has neither alert nor record` }]
    if (alert && record) return [{ path, value: `${alert}, ${record}`, what: `${name} has both alert and record` }]
    if (record && !metricName.test(record))
      return [{ path: `${path}.record`, value: record, what: `${name} is no name of a metric` }]
    const fault = expressionFault(String(expr ?? ''))
    return fault ? [{ path: `${path}.expr`, value: String(expr ?? ''), what: `${name} ${fault}` }] : []
  })
}

const metricName = /^[a-zA-Z_:][a-zA-Z\d_:]*$/
