import type { Metrics } from '../metrics.ts'
import { type ChatPlatform, PostRefused } from './platform.ts'

/** The same chat; what is posted and edited is counted by how the server took it. Progress is left out, since it may be dropped. */
export function counted(chat: ChatPlatform, { posts }: Pick<Metrics, 'posts'>): ChatPlatform {
  async function count<Result>(sending: Promise<Result>): Promise<Result> {
    try {
      const result = await sending
      posts.inc({ platform: chat.name, outcome: 'sent' })
      return result
    } catch (error) {
      if (error instanceof PostRefused) posts.inc({ platform: chat.name, outcome: 'refused' })
      throw error
    }
  }

  return {
    ...chat,
    open: (room, post) => count(chat.open(room, post)),
    post: (thread, post) => count(chat.post(thread, post)),
    edit: (message, markdown, urgency) =>
      urgency === 'final' ? count(chat.edit(message, markdown, urgency)) : chat.edit(message, markdown, urgency),
  }
}
