import { stringify } from 'yaml'
import * as z from 'zod'
import { firstLines, oneLine } from '../output.ts'
import { type ChangeTool, defineChange, defineRead, type Preview, type ReadTool, Refusal } from '../tool.ts'
import { timeAndAge } from './age.ts'
import { affected, affectedRights, guardedPatch, refuseForbidden, sendToCluster, tryOut, versionOf } from './change.ts'
import type { Cluster } from './cluster.ts'
import { healthOf } from './health.ts'
import { shownObject } from './hidden.ts'
import * as input from './inputs.ts'
import type { Workload } from './objects.ts'
import { imagesOf, type Revision, revisionRights, revisionsOf } from './revisions.ts'
import { isRolledKind, type Rolled, type RolledKind, rolledWorkload, workloadPath, workloadRights } from './workload.ts'

const workloadName = input.name
const rolledRights = workloadRights.filter(({ group }) => group === 'apps')
const revisionNumber = input.optionalInteger(1, 1_000_000)

export function rolloutStatus(cluster: Cluster): ReadTool {
  return defineRead({
    name: 'k8s_rollout_status',
    description: 'How far the rollout of a workload is, and why it is stuck.',
    input: z.object({ name: workloadName, namespace: input.namespace }),
    rights: [...workloadRights, { group: '', resource: 'pods', verbs: ['list'] }],
    summary: ({ name, namespace }) => `rollout of ${namespace ?? cluster.namespace}/${name}`,
    async run({ name, namespace }, { signal, maxBytes }) {
      const where = cluster.namespaceFor(namespace)
      const rolled = await rolledWorkload(cluster, where, name, signal)
      const { state, text } = await healthOf(cluster, rolled, signal)
      return firstLines(`${rolled.kind} ${words[state]}. ${text}`, maxBytes)
    },
  })
}

const words = {
  healthy: 'rolled out',
  progressing: 'rolling out',
  failing: 'not coming up',
  gone: 'gone',
  unknown: 'in an unknown state',
} as const

export function rolloutHistory(cluster: Cluster): ReadTool {
  return defineRead({
    name: 'k8s_rollout_history',
    description: 'Revisions of a workload; with revision, its whole template.',
    input: z.object({ name: workloadName, namespace: input.namespace, revision: revisionNumber }),
    rights: [...workloadRights, ...revisionRights],
    summary: ({ name, namespace, revision }) =>
      `revisions of ${namespace ?? cluster.namespace}/${name}${revision === undefined ? '' : `, number ${revision}`}`,
    async run({ name, namespace, revision }, { signal, maxBytes }) {
      const where = cluster.namespaceFor(namespace)
      const rolled = await rolledWorkload(cluster, where, name, signal)
      const revisions = await revisionsOf(cluster, rolled, signal)
      if (revision !== undefined) {
        const { template } = numbered(revisions, revision, nameOf(rolled))
        const { metadata: _none, ...shown } = shownObject({ template })
        return firstLines(stringify(shown, { lineWidth: 0 }), maxBytes)
      }
      if (revisions.length === 0) return `The cluster keeps no revisions of ${nameOf(rolled)}.`
      const lines = revisions.toReversed().map((one) => revisionLine(one, cluster.now()))
      return firstLines([`${nameOf(rolled)}, newest first:`, ...lines].join('\n'), maxBytes)
    },
  })
}

const revisionLine = ({ number, createdAt, cause, template, isCurrent }: Revision, now: number): string =>
  [
    `revision ${number}${isCurrent ? ' (current)' : ''}`,
    `made ${timeAndAge(createdAt, now)}`,
    imagesOf(template),
    cause && `cause: ${oneLine(cause)}`,
  ]
    .filter(Boolean)
    .join('; ')

export function rolloutUndo(cluster: Cluster): ChangeTool {
  return defineChange({
    name: 'k8s_rollout_undo',
    description: 'Bring back an earlier revision of a workload; default: the one before (needs approval).',
    input: z.object({ name: workloadName, namespace: input.namespace, revision: revisionNumber }),
    effect: 'change',
    rights: [
      ...rolledRights.map((right) => ({ ...right, verbs: [...right.verbs, 'patch'] })),
      { group: 'batch', resource: 'jobs', verbs: ['get'] },
      ...revisionRights,
      ...affectedRights,
    ],
    summary: ({ name, namespace, revision }) =>
      `roll ${namespace ?? cluster.namespace}/${name} back to ${revision === undefined ? 'the revision before' : `revision ${revision}`}`,
    target: ({ name, namespace }) => ({ kind: 'Workload', namespace: cluster.namespaceFor(namespace), name }),
    async preflight({ name, namespace, revision }, { signal }): Promise<Preview> {
      const where = cluster.namespaceFor(namespace)
      const rolled = await rolledWorkload(cluster, where, name, signal)
      const { kind, object } = rolled
      if (object.spec?.paused)
        throw new Refusal(`${nameOf(rolled)} is paused; nothing would be rolled out. Somebody has to resume it first.`)
      const revisions = await revisionsOf(cluster, rolled, signal)
      const wanted = revision === undefined ? before(revisions, rolled) : numbered(revisions, revision, nameOf(rolled))
      const resource = `${kind.toLowerCase()}s`
      await refuseForbidden(cluster, { verb: 'patch', group: 'apps', resource, namespace: where, name }, signal)

      const request = guardedPatch(
        workloadPath(kind, where, name),
        [
          { op: 'test', path: '/metadata/uid', value: object.metadata.uid },
          { op: 'test', path: '/metadata/generation', value: object.metadata.generation },
        ],
        [{ op: 'replace', path: '/spec/template', value: wanted.template }],
      )
      const [diff, affects] = await Promise.all([
        tryOut(cluster, request, object, signal),
        affected(cluster, where, rolled, signal),
      ])
      return {
        request,
        diff,
        affects: [`back to revision ${wanted.number}: ${imagesOf(wanted.template)}`, ...affects],
        version: versionOf(object),
        watch: { kind, namespace: where, name },
      }
    },
    async run({ name, namespace }, approved, { signal }) {
      const where = cluster.namespaceFor(namespace)
      const path = workloadPath(kindOf(approved), where, name)
      const after = await sendToCluster<Workload>(cluster, path, approved, signal)
      return `${where}/${name} goes back (generation ${after.metadata.generation}): ${imagesOf(after.spec?.template ?? {})}. The outcome is checked and reported by itself.`
    },
  })
}

/** Which kind has the name was found out when it was proposed. */
function kindOf({ watch: watched }: Preview): RolledKind {
  return watched && watched !== 'none' && isRolledKind(watched.kind) ? watched.kind : 'Deployment'
}

const nameOf = ({ kind, object: { metadata } }: Rolled): string => `${kind} ${metadata.namespace}/${metadata.name}`

/** The newest revision below the current one. */
function before(revisions: Revision[], rolled: Rolled): Revision {
  const current = revisions.find(({ isCurrent }) => isCurrent)
  const found = current && revisions.findLast(({ number }) => number < current.number)
  if (found) return found
  throw new Refusal(`The cluster keeps no revision of ${nameOf(rolled)} before the current one.`)
}

function numbered(revisions: Revision[], number: number, name: string): Revision {
  const found = revisions.find((one) => one.number === number)
  if (found) return found
  const there = revisions.map((one) => one.number).join(', ')
  throw new Refusal(`${name} has no revision ${number}.${there && ` The cluster keeps: ${there}.`}`)
}
