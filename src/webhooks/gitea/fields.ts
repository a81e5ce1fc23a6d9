import * as z from 'zod'

/** Fields that many of Gitea's payloads have; only what is used. What cannot be used safely is as good as missing. */
export const hash = z.string().regex(/^([0-9a-f]{40}|[0-9a-f]{64})$/)

export const address = z
  .string()
  .max(2_000)
  .regex(/^https?:\/\//)
  .catch('')

export const ref = z.string().min(1).max(1_024)

export const text = (most: number) =>
  z
    .string()
    .nullish()
    .transform((value) => (value ?? '').slice(0, most))

export const person = z.object({
  id: z.int().catch(0),
  login: z.string().max(255),
  full_name: z.string().max(255).nullish(),
})

export const nameOf = (who: z.output<typeof person> | null | undefined): string =>
  who?.full_name || who?.login || 'somebody'

/**
 * Gitea's own account, in whose name its Actions speak.
 * https://github.com/go-gitea/gitea/blob/main/models/user/user_system.go
 */
export const isSystem = (who: z.output<typeof person> | null | undefined): boolean =>
  who?.id === -2 || who?.login === 'gitea-actions'
