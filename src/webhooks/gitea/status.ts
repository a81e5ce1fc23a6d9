import * as z from 'zod'
import { repository } from '../../repository.ts'
import { type StatusSignal, statusId } from '../../signal.ts'
import { hash, isSystem, person } from './fields.ts'

const Status = z.object({
  id: z.int(),
  sha: hash,
  context: z.string().max(500),
  state: z.string().max(50),
  repository,
  sender: person.nullish(),
})

/** The server takes any word for a state. */
export const status = Status.transform(
  ({ id, sha, context, state, repository, sender }): StatusSignal => ({
    kind: 'status',
    source: 'gitea',
    id: statusId({ repository, commit: sha }, id),
    repository,
    commit: sha,
    context,
    state,
    bySystem: isSystem(sender),
  }),
)
