import type { Analyzer, Finding, ObjectRef } from '../../analyzer.ts'
import { type KindName, kinds, type ObjectOf } from '../../kinds/index.ts'
import { refOf, type Snapshot, timeOf } from '../../snapshot.ts'
import { minute } from '../age.ts'
import { counted, fullName } from '../phrases.ts'
import { sinceOf } from '../subject.ts'

type Event = ObjectOf<'Event'>

const stormCount = 100
const stormPerMinute = 1
const freshness = 30 * minute

/** The same warning again and again. What the warning means, the analyzer of its object says. */
export const event: Analyzer = {
  name: 'Event',
  finds: 'the same warning recorded very often about one workload',
  core: false,
  reads: ['Event', 'Pod', 'ReplicaSet', 'Job'],
  inspect(snapshot) {
    const warnings = snapshot
      .list('Event')
      .filter((one) => one.type === 'Warning' && snapshot.now - timeOf(one) <= freshness)
    const groups = Map.groupBy(warnings, (one) => `${JSON.stringify(ownerOf(one, snapshot))} ${one.reason}`)
    return [...groups.values()].flatMap((group) => storm(group, snapshot))
  },
}

function storm(group: Event[], snapshot: Snapshot): Finding[] {
  const [newest, ...others] = group.toSorted((a, b) => timeOf(b) - timeOf(a)) as [Event, ...Event[]]
  const count = group.reduce((sum, one) => sum + timesOf(one), 0)
  const since = [newest, ...others].flatMap((one) => beginningOf(one) ?? []).sort()[0]
  const minutes = (timeOf(newest) - (since === undefined ? timeOf(newest) : Date.parse(since))) / minute
  if (count < stormCount || count < stormPerMinute * minutes) return []
  const { kind = 'Event', namespace, name = newest.metadata.name } = newest.involvedObject ?? {}
  const object = refOf(kind, { namespace, name })
  const objects = new Set(group.map(({ involvedObject }) => involvedObject?.name)).size
  const reason = newest.reason ?? 'not named'
  return [
    {
      object,
      owner: ownerOf(newest, snapshot),
      reason: `EventStorm-${reason}`,
      severity: 'info',
      confidence: 'high',
      text: `The warning ${reason} was recorded ${counted(count, 'time')} about ${objects > 1 ? `${counted(objects, 'object')} of ` : ''}${titleOf(ownerOf(newest, snapshot))}.`,
      ...sinceOf(since),
      evidence: [{ object, path: `event/${reason}`, value: newest.message ?? '' }],
      next: `k8s_get_events${namespace === undefined ? '' : ` namespace=${namespace}`}`,
    },
  ]
}

const timesOf = ({ count, series }: Event): number => Math.max(count ?? 0, series?.count ?? 0, 1)

const beginningOf = ({ firstTimestamp, eventTime }: Event): string | undefined => firstTimestamp ?? eventTime

/** The object that the warning is about, followed to its top owner as far as the snapshot knows it. */
function ownerOf({ involvedObject, metadata }: Event, snapshot: Snapshot): ObjectRef {
  const { kind = 'Event', namespace, name = metadata.name } = involvedObject ?? {}
  const found = Object.hasOwn(kinds, kind) ? snapshot.find(kind as KindName, namespace, name) : undefined
  return found ? snapshot.ownerOf(kind, found.metadata) : refOf(kind, { namespace, name })
}

const titleOf = (ref: ObjectRef): string => `${ref.kind} ${fullName(ref)}`
