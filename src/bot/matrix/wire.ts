/** The parts of the client-server API's answers that we read. What does not fit is left out, never guessed. */
import { z } from 'zod'

/** People choose what stands in relations; only what can be an id goes into a path. */
export const EventId = z.string().regex(/^\$[\x21-\x7e]{1,254}$/)

const Content = z.record(z.string(), z.unknown())

/** An event as it comes in a room's timeline or state. */
export const RoomEvent = z.object({
  type: z.string(),
  event_id: EventId,
  sender: z.string().startsWith('@'),
  content: Content,
  origin_server_ts: z.number(),
  state_key: z.string().optional(),
  redacts: EventId.optional().catch(undefined),
  unsigned: z
    .object({
      /** Our own membership when the event was sent. */
      membership: z.string().optional().catch(undefined),
      /** What a state event replaced. */
      prev_content: z.object({ membership: z.unknown() }).partial().optional().catch(undefined),
      redacted_because: z.unknown(),
    })
    .partial()
    .catch({}),
})
export type RoomEvent = z.output<typeof RoomEvent>

const Relation = z.object({ rel_type: z.string(), event_id: EventId })
const Reply = z.object({ 'm.in_reply_to': z.object({ event_id: EventId }), is_falling_back: z.boolean().optional() })

/** `m.annotation`, `m.replace`, `m.thread` and the like. */
export const relationOf = (event: RoomEvent): { rel_type: string; event_id: string; key?: unknown } | undefined => {
  const relation = event.content['m.relates_to']
  const parsed = Relation.safeParse(relation)
  return parsed.success ? { ...parsed.data, key: (relation as { key?: unknown }).key } : undefined
}

/** The event that a person replied to. In a thread it may only be there for clients without threads: then there is none. */
export const replyTarget = (event: RoomEvent): string | undefined => {
  const parsed = Reply.safeParse(event.content['m.relates_to'])
  if (!parsed.success || parsed.data.is_falling_back) return undefined
  return parsed.data['m.in_reply_to'].event_id
}

/** The event that a redaction deletes. Old rooms say it beside the content, new ones in it. */
export const redactionTarget = ({ redacts, content }: RoomEvent): string | undefined =>
  redacts ?? EventId.safeParse(content.redacts).data

const looseEvents = z.object({ events: z.array(z.unknown()).catch([]) }).catch({ events: [] })
const Timeline = z.object({
  events: z.array(z.unknown()).catch([]),
  limited: z.boolean().optional().catch(undefined),
  prev_batch: z.string().optional().catch(undefined),
})

export const SyncAnswer = z.object({
  next_batch: z.string(),
  rooms: z
    .object({
      join: z.record(z.string(), z.object({ state: looseEvents, timeline: Timeline.catch({ events: [] }) })).optional(),
      invite: z.record(z.string(), z.object({ invite_state: looseEvents })).optional(),
      leave: z.record(z.string(), z.object({ timeline: looseEvents, state: looseEvents })).optional(),
    })
    .optional(),
})
export type SyncAnswer = z.output<typeof SyncAnswer>

/** A page of `/messages` or `/relations`. */
export const Page = z.object({
  chunk: z.array(z.unknown()),
  end: z.string().optional(),
  next_batch: z.string().optional(),
})

/** State of a room that we are not in yet: bare events, unverified. */
export const StrippedEvent = z.object({
  type: z.string(),
  state_key: z.string(),
  sender: z.string(),
  content: Content,
})

/** Those of a list that have the shape; the others are dropped. */
export function every<Value>(schema: z.ZodType<Value>, values: unknown[]): Value[] {
  return values.flatMap((value) => {
    const parsed = schema.safeParse(value)
    return parsed.success ? [parsed.data] : []
  })
}
