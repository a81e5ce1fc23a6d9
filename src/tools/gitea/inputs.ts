import * as z from 'zod'
import { isName } from '../../repository.ts'
import { text } from '../kubernetes/inputs.ts'
import { isBranch } from './paths.ts'

export { flag, integer, match, matching, optionalInteger, text } from '../kubernetes/inputs.ts'

// Checked here and not by a pattern in the schema, which would cost the model more tokens than all the rest.
const name = z.string().refine(isName, 'must be a name in Gitea: letters, digits, dashes, dots')

export const owner = name
export const repo = name
export const branch = z.string().refine(isBranch, 'must be the name of a branch')
export const optionalBranch = text.refine(
  (given) => given === undefined || isBranch(given),
  'must be the name of a branch',
)
export const sha = z.string().refine((given) => /^[0-9a-f]{7,64}$/.test(given), 'must be the hash of a commit')
export const title = z
  .string()
  .refine((given) => given.trim() !== '' && given.length <= 255, 'must have 1 to 255 characters')
export const body = z
  .string()
  .refine((given) => given.trim() !== '' && given.length <= 60_000, 'must have 1 to 60,000 characters')
/** A text of several lines, or none. */
export const longText = z.preprocess(
  (value) => value ?? undefined,
  z
    .string()
    .refine((given) => given.length <= 60_000, 'must have at most 60,000 characters')
    .optional(),
)
