import * as z from 'zod'
import type { Repository } from './signal.ts'

/** A repository as Gitea writes it, in answers and in deliveries alike. One whose name is not safe in a path is not taken. */
export const repository = z
  .object({
    id: z.int().positive(),
    full_name: z.string().refine(isFullName),
    html_url: z
      .string()
      .max(2_000)
      .regex(/^https?:\/\//)
      .catch(''),
    private: z.boolean(),
    // Of an organisation that only its members see the repositories are not called private.
    internal: z.boolean().nullish(),
    default_branch: z.string().max(1_024).catch(''),
  })
  .transform(
    (given): Repository => ({
      id: given.id,
      fullName: given.full_name,
      url: given.html_url,
      private: given.private || given.internal === true,
      defaultBranch: given.default_branch,
    }),
  )

/** `owner/name`, both safe in a path. */
function isFullName(text: string): boolean {
  const names = text.split('/')
  return names.length === 2 && names.every(isName)
}

/** Whether a name stands for itself in a path: no slash, no escape, and neither `.` nor `..`. */
export const isName = (text: string): boolean => /^[\w.-]{1,100}$/.test(text) && text !== '.' && text !== '..'
