import * as z from 'zod'
import { repository } from '../../repository.ts'
import type { BranchSignal, ReleaseSignal, RepositorySignal } from '../../signal.ts'
import { address, nameOf, person, ref, text } from './fields.ts'

const RefEvent = z.object({
  ref,
  ref_type: z.string().max(50),
  sha: z.string().max(64).nullish(),
  repository,
  sender: person.nullish(),
})

/** Neither event carries a time, so a branch that is deleted a second time within a week is taken for a repetition. */
export const branch = (action: BranchSignal['action']) =>
  RefEvent.transform(({ ref, ref_type, sha, repository, sender }): BranchSignal | undefined =>
    ref_type === 'branch'
      ? {
          kind: 'branch',
          source: 'gitea',
          id: `branch:${repository.id}:${ref}:${action}:${sha ?? ''}`,
          repository,
          action,
          branch: ref,
          by: nameOf(sender),
        }
      : undefined,
  )

const ReleaseEvent = z.object({
  action: z.string().max(50),
  release: z.object({
    id: z.int(),
    tag_name: z.string().max(255),
    target_commitish: z.string().max(1_024).catch(''),
    name: text(300),
    html_url: address,
    draft: z.boolean().nullish(),
  }),
  repository,
  sender: person.nullish(),
})

export const release = ReleaseEvent.transform(({ action, release, repository, sender }): ReleaseSignal | undefined =>
  action === 'published' && !release.draft
    ? {
        kind: 'release',
        source: 'gitea',
        id: `release:${repository.id}:${release.id}`,
        repository,
        tag: release.tag_name,
        branch: release.target_commitish,
        name: release.name,
        url: release.html_url,
        by: nameOf(sender),
      }
    : undefined,
)

const RepositoryEvent = z.object({ action: z.string().max(50), repository, sender: person.nullish() })

export const ofRepository = RepositoryEvent.transform(({ action, repository, sender }): RepositorySignal | undefined =>
  action === 'created' || action === 'deleted'
    ? {
        kind: 'repository',
        source: 'gitea',
        id: `repository:${repository.id}:${action}`,
        repository,
        action,
        by: nameOf(sender),
      }
    : undefined,
)
