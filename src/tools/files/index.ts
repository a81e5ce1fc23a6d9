import type { Tool } from '../tool.ts'
import { listFiles } from './list.ts'
import { readFile } from './read.ts'
import type { FileRoots } from './root.ts'
import { writeFile } from './write.ts'

/** Files on the bot's own disk, and those of clones. */
export const fileTools = (roots: FileRoots): Tool[] => [listFiles(roots), readFile(roots), writeFile(roots)]
