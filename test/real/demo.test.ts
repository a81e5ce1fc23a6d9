import assert from 'node:assert/strict'
import { existsSync, mkdirSync } from 'node:fs'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { type Browser, chromium, type Page } from 'playwright-core'
import { type Demo, startDemo } from '../../src/commands/demo.ts'
import { comeIn as comeInByHttp } from '../bot/web/room.ts'

const patience = 60_000
/** Where pictures of the page are put, if anywhere. */
const pictures = process.env.KUBE_AGENT_SCREENSHOTS

/** The browser of the system: KUBE_AGENT_BROWSER, else Debian's Chromium. */
function browserPath(): string {
  const path = process.env.KUBE_AGENT_BROWSER ?? '/usr/bin/chromium'
  if (existsSync(path)) return path
  throw new Error(
    `There is no browser at ${path}. Install one (apt-get install chromium) or name another one with KUBE_AGENT_BROWSER.`,
  )
}

interface Visit {
  page: Page
  /** Everything the page asked for that is not on this server. */
  foreign: string[]
  /** Errors in the console and uncaught ones. */
  problems: string[]
}

describe('the demo in a browser', { timeout: 300_000 }, () => {
  let demo: Demo
  let browser: Browser
  before(async () => {
    browser = await chromium.launch({ executablePath: browserPath(), args: ['--no-sandbox'] })
    demo = await startDemo({ port: 0, version: '0', env: {} })
  })
  after(async () => {
    await browser?.close()
    await demo?.close()
  })

  /** A new person at a browser of their own. */
  async function visit(options: Parameters<Browser['newContext']>[0] = {}, url = demo.url): Promise<Visit> {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options })
    const page = await context.newPage()
    page.setDefaultTimeout(patience)
    const foreign: string[] = []
    const problems: string[] = []
    page.on('request', (request) => {
      const { protocol, origin } = new URL(request.url())
      if (protocol !== 'data:' && origin !== url) foreign.push(request.url())
    })
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) problems.push(message.text())
    })
    page.on('pageerror', (error) => problems.push(error.message))
    await page.goto(`${url}/web/`)
    return { page, foreign, problems }
  }

  async function comeIn(page: Page, name: string): Promise<void> {
    await page.getByLabel('Your name').fill(name)
    await page.keyboard.press('Enter')
    await page.getByRole('navigation', { name: 'Threads' }).waitFor()
  }

  test('a failed CI run has opened a thread: the fix that is proposed there is approved, passes, and the thread says so', async () => {
    const { page, foreign, problems } = await visit()
    await comeIn(page, 'operator')
    await page.getByRole('button', { name: /CI failed in acme\/shop main: ci\.yml #\d+, job images/ }).click()
    const messages = page.getByRole('list', { name: 'Messages' })
    await messages.getByText('manifest unknown').first().waitFor()
    const approve = page.getByRole('button', { name: 'Approve' })
    await approve.waitFor()
    await picture(page, 'ci')

    await approve.click()

    await messages.getByText('Pull request #1 proposes the correction').waitFor()
    await messages.getByText(/CI passed in/).waitFor()
    await picture(page, 'ci-passed')
    assert.deepEqual(problems, [])
    assert.deepEqual(foreign, [])
  })

  test('by keyboard alone: come in, read the push, ask, see it work, approve, see it recover', async () => {
    const { page, foreign, problems } = await visit()
    await page.locator('#login-name:focus').waitFor()
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: /alice pushed/ }).waitFor()
    await tabTo(page, '#threads button', 'alice pushed')
    await page.keyboard.press('Enter')

    const messages = page.getByRole('list', { name: 'Messages' })
    await messages.getByText('This change is not well').waitFor()
    await page.getByText('at work').first().waitFor({ state: 'hidden' })
    assert.match(await page.locator('#notice').innerText(), /sandboxes.*No model is configured/)
    await picture(page, 'push')

    await tabTo(page, '#ask-text')
    await page.keyboard.type('What is wrong')
    await page.keyboard.press('Shift+Enter')
    await page.keyboard.type('with api?')
    assert.equal(await page.locator('#ask-text').inputValue(), 'What is wrong\nwith api?')
    await page.keyboard.press('Enter')
    await messages.getByText('k8s_list_deployments').waitFor()
    await picture(page, 'progress')

    const approve = page.getByRole('button', { name: 'Approve' })
    await approve.waitFor()
    await page.getByText('waits for a decision').waitFor()
    assert.match(await page.title(), /^\(1\) /)
    assert.ok(await isWhollyVisible(page, approve), 'the prompt is in sight without scrolling')
    await picture(page, 'prompt-light')
    await page.emulateMedia({ colorScheme: 'dark' })
    await picture(page, 'prompt-dark')
    await page.emulateMedia({ colorScheme: 'light' })

    await tabTo(page, 'button.approve')
    await page.keyboard.press('Space')
    await page.locator('.prompt.closed').getByText('Approved by').waitFor()
    assert.ok(await page.evaluate('document.activeElement.matches(".prompt")'), 'the focus stays at the prompt')
    await messages.getByText('2 of 2 pods available').waitFor()
    assert.equal(await page.getByText('waits for a decision').count(), 0)
    assert.match(await page.locator('.prompt .marks').innerText(), /✅\s+operator/)
    await page.evaluate('document.activeElement.blur()')
    await picture(page, 'recovered-light')
    await page.emulateMedia({ colorScheme: 'dark' })
    await picture(page, 'recovered-dark')

    assert.deepEqual(problems, [])
    assert.deepEqual(foreign, [])
  })

  test('who is no approver is told so, and another page sees the prompt, the marks and the answer at once', async () => {
    const guest = await visit()
    await comeIn(guest.page, 'guest')
    const operator = await visit()
    await comeIn(operator.page, 'operator')

    await guest.page.getByLabel('Ask kube-agent').fill('What is wrong with worker?')
    await guest.page.keyboard.press('Enter')
    await operator.page.getByRole('button', { name: /What is wrong with worker.*waits for a decision/ }).click()
    await guest.page.getByRole('button', { name: 'Approve' }).click()
    await operator.page.getByText('is not an approver').waitFor()
    await operator.page.getByRole('button', { name: /Approve.*guest/ }).waitFor()
    await picture(guest.page, 'refused')

    await guest.page.getByRole('button', { name: 'Change name' }).click()
    await comeIn(guest.page, 'visitor')
    await guest.page.locator('#me').getByText('visitor').waitFor()
    await operator.page.getByRole('button', { name: 'Deny' }).click()
    await guest.page.locator('.prompt.closed').getByText('Denied by').waitFor()
    await guest.page.getByText('Nothing was done to').waitFor()
    assert.deepEqual([...guest.problems, ...operator.problems], [])
  })

  test('who reads further up is not thrown to the end by what comes in, but told of it', async () => {
    const reader = await visit({ viewport: { width: 1000, height: 420 } })
    await comeIn(reader.page, 'reader')
    await reader.page.getByRole('button', { name: /alice pushed/ }).click()
    const messages = reader.page.getByRole('list', { name: 'Messages' })
    await messages.getByText('This change is not well').waitFor()
    await reader.page.evaluate('document.getElementById("messages").scrollTop = 0')
    const thread = decodeURIComponent(new URL(reader.page.url()).hash.slice(1))
    const other = await comeInByHttp(demo.url, 'other')

    await other.say('I am on it', thread)
    const button = reader.page.getByRole('button', { name: 'New messages' })
    await button.waitFor()
    const top = await reader.page.evaluate('document.getElementById("messages").scrollTop')
    await button.click()

    assert.equal(top, 0)
    // The bot answers too; the end is followed from here on.
    await reader.page.waitForFunction(
      '(({ scrollTop, clientHeight, scrollHeight }) => scrollTop + clientHeight > scrollHeight - 2)(document.getElementById("messages"))',
    )
  })

  test('on a phone the list, a thread and the way back fit, and nothing sticks out', async () => {
    const { page } = await visit({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true })
    await comeIn(page, 'operator')
    await picture(page, 'phone-list')

    await page
      .getByRole('button', { name: /What is wrong with api|alice pushed/ })
      .first()
      .tap()
    await page.getByRole('list', { name: 'Messages' }).waitFor()
    await picture(page, 'phone-thread')
    const sticksOut = await page.evaluate('document.documentElement.scrollWidth > innerWidth')
    await page.getByRole('button', { name: '← Threads' }).tap()

    assert.ok(await page.getByLabel('Ask kube-agent').isVisible())
    assert.equal(sticksOut, false)
  })

  test('when the connection is lost the page says so, keeps what was written, and catches up by itself', async (t) => {
    const line = await createLine(demo.url)
    t.after(() => line.cut())
    const { page } = await visit({}, line.url)
    await comeIn(page, 'operator')
    await page.getByRole('button', { name: /alice pushed/ }).click()
    await page.getByLabel('Reply in this thread').fill('half a thought')

    await line.cut()
    await page.getByText('Connection lost').waitFor()
    const other = await visit()
    await comeIn(other.page, 'bob')
    await other.page.getByLabel('Ask kube-agent').fill('hello')
    await other.page.keyboard.press('Enter')
    await other.page.getByText('scripted stand-in for a model').waitFor()
    await line.mend()

    await page.getByRole('button', { name: /hello/ }).waitFor()
    await page.getByText('Connection lost').waitFor({ state: 'hidden' })
    assert.equal(await page.getByLabel('Reply in this thread').inputValue(), 'half a thought')
  })

  async function picture(page: Page, name: string): Promise<void> {
    if (!pictures) return
    mkdirSync(pictures, { recursive: true })
    await page.screenshot({ path: join(pictures, `${name}.png`) })
  }
})

/** Tab, until the focus is there; the focus must be visible on the way. */
async function tabTo(page: Page, selector: string, text = ''): Promise<void> {
  for (let presses = 0; presses < 40; presses++) {
    await page.keyboard.press('Tab')
    const focus = await page.evaluate(`(() => {
      const element = document.activeElement
      if (!element || element === document.body) return 'nowhere'
      if (getComputedStyle(element).outlineStyle === 'none') return 'invisible on ' + element.outerHTML.slice(0, 80)
      const isIt = element.matches(${JSON.stringify(selector)}) && element.textContent.includes(${JSON.stringify(text)})
      return isIt ? 'there' : 'on the way'
    })()`)
    assert.doesNotMatch(String(focus), /invisible/)
    if (focus === 'there') return
  }
  assert.fail(`${selector} cannot be reached by Tab`)
}

/** A line to a server that can be cut and mended. */
async function createLine(to: string): Promise<{ url: string; cut(): Promise<void>; mend(): Promise<void> }> {
  const { hostname, port: target } = new URL(to)
  const open = new Set<Socket>()
  const server = createServer((socket) => {
    const there = connect(Number(target), hostname)
    for (const [from, into] of [
      [socket, there],
      [there, socket],
    ] as const) {
      open.add(from)
      from.pipe(into)
      from.on('error', () => into.destroy()).on('close', () => open.delete(from) && into.destroy())
    }
  })
  const listen = (port: number) => new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  await listen(0)
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    async cut() {
      if (!server.listening) return
      const closed = new Promise((resolve) => server.close(resolve))
      for (const socket of open) socket.destroy()
      await closed
    },
    mend: () => listen(port),
  }
}

async function isWhollyVisible(page: Page, element: ReturnType<Page['locator']>): Promise<boolean> {
  const box = await element.boundingBox()
  const size = page.viewportSize()
  return box !== null && size !== null && box.y >= 0 && box.y + box.height <= size.height
}
