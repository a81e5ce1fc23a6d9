import type { Handlers, Inbox, Job } from '../../../src/storage/index.ts'

export const job = (id: string, thread = 'a', due?: number): Job => ({
  id,
  thread,
  kind: 'test',
  data: { id },
  ...(due !== undefined && { due }),
})

/** Handlers that note the ids of what they handle, in order; nothing may be set aside. */
export function noting(): Handlers & { handled: string[] } {
  const handled: string[] = []
  return {
    handled,
    handle: async ({ id }) => void handled.push(id),
    setAside: async ({ id }, reason) => {
      handled.push(`${id} was set aside: ${reason}`)
    },
  }
}

/** A handler that is in the midst of a job for ever, as seen from the next process. */
export const never: Handlers = { handle: () => new Promise(() => {}), setAside: async () => {} }

/** Resolves when nothing waits or runs. */
export const idle = (inbox: Inbox): Promise<void> => until(async () => (await inbox.depth()) === 0, 'an empty inbox')

/** Looks again after every turn of the event loop. The limit only turns a hang into a reason. */
export async function until(look: () => Promise<boolean> | boolean, what: string): Promise<void> {
  for (const end = Date.now() + 30_000; !(await look()); ) {
    if (Date.now() > end) throw new Error(`waited in vain for ${what}`)
    await new Promise(setImmediate)
  }
}

export const idsOf = (jobs: Job[]): string[] => jobs.map(({ id }) => id)
