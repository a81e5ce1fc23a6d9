import { type Clock, timestamp } from '../clock.ts'
import type { Objects } from './objects.ts'
import type { Event, KubernetesObject } from './types.ts'

export interface Occurrence {
  type: 'Normal' | 'Warning'
  reason: string
  message: string
  source: { component: string; host?: string }
  fieldPath?: string
}

export type Recorder = (about: KubernetesObject, occurrence: Occurrence) => void

const keptMilliseconds = 60 * 60_000

/** Writes events as a cluster does: a repetition raises the count, and an hour after its last repetition an event is gone. */
export function createRecorder(objects: Objects, clock: Clock): Recorder {
  let written = 0n
  return (about, occurrence) => {
    forgetOld()
    const now = timestamp(clock.now())
    const known = objects.list('events', about.metadata.namespace ?? 'default').find(isRepeated(about, occurrence))
    if (known) {
      objects.change('events', known, (event) => {
        event.count += 1
        event.lastTimestamp = now
      })
      return
    }
    const { type, reason, message, source, fieldPath } = occurrence
    const { name, namespace, uid } = about.metadata
    objects.create('events', {
      // Nanoseconds in hexadecimal, so that the events of an object lie in the order in which they began.
      metadata: {
        name: `${name}.${(BigInt(clock.now()) * 1_000_000n + written++).toString(16)}`,
        namespace: namespace ?? 'default',
      },
      involvedObject: {
        kind: about.kind,
        ...(namespace && { namespace }),
        name,
        uid,
        apiVersion: about.apiVersion,
        ...(fieldPath && { fieldPath }),
      },
      type,
      reason,
      message,
      source,
      firstTimestamp: now,
      lastTimestamp: now,
      count: 1,
      eventTime: null,
      reportingComponent: source.component,
      reportingInstance: source.host ?? '',
    })
  }

  function forgetOld() {
    const oldest = clock.now() - keptMilliseconds
    for (const event of objects.list('events'))
      if (Date.parse(event.lastTimestamp) < oldest) objects.remove('events', event)
  }
}

function isRepeated(about: KubernetesObject, { reason, message }: Occurrence) {
  return (event: Event) =>
    event.involvedObject.uid === about.metadata.uid && event.reason === reason && event.message === message
}
