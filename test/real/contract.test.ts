import { readFileSync, writeFileSync } from 'node:fs'
import { after, before } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type MatrixSide, matrixStage } from '../contracts/matrix.ts'
import { type MattermostSide, mattermostStage } from '../contracts/mattermost.ts'
import { contract } from '../contracts/platform.ts'
import { table, withTable } from '../contracts/table.ts'
import { terminalStage } from '../contracts/terminal.ts'
import { webStage } from '../contracts/web.ts'
import { openMatrixSide } from './lib/matrix-side.ts'
import { openMattermostSide } from './lib/mattermost-side.ts'

const page = fileURLToPath(new URL('../../docs/platforms.md', import.meta.url))
const stack = new AsyncDisposableStack()
let matrix: MatrixSide
let mattermost: MattermostSide

before(async () => {
  matrix = await openMatrixSide(stack)
  mattermost = await openMattermostSide(stack)
})

const endings = {
  Matrix: contract('Matrix', (t) => matrixStage(t, matrix)),
  Mattermost: contract('Mattermost', (t) => mattermostStage(t, mattermost)),
  Web: contract('Web', webStage),
  Terminal: contract('Terminal', terminalStage),
}

after(async () => {
  await stack.disposeAsync()
  const text = table(endings)
  console.log(text)
  if (process.env.UPDATE_PLATFORMS) writeFileSync(page, withTable(readFileSync(page, 'utf8'), text))
})
