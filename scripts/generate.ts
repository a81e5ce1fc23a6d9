import { writeFileSync } from 'node:fs'
import { pages } from './pages.ts'

// `npm run generate`: writes what follows from the code. A fast test fails while a page is out of date.
for (const [file, text] of Object.entries(pages())) writeFileSync(new URL(`../${file}`, import.meta.url), text)
