import { contract } from '../../contracts/platform.ts'
import { webStage } from '../../contracts/web.ts'

contract('Web', webStage)
