import { contract } from '../../contracts/platform.ts'
import { terminalStage } from '../../contracts/terminal.ts'

contract('Terminal', terminalStage)
