// The page of the web room: it shows what the server says and sends what the visitor does. No library, no build.
const byId = (id) => document.getElementById(id)
const element = (tag, properties = {}, ...children) => {
  const made = Object.assign(document.createElement(tag), properties)
  made.append(...children)
  return made
}
const app = byId('app')
const list = byId('messages')
const pageTitle = document.title
const wide = matchMedia('(min-width: 761px)')

let me = ''
let needsToken = false
let room = ''
/** The threads by id, and the messages of the one that is open. */
const threads = new Map()
const messages = new Map()
/** Threads that the stream told of while the state was on its way: what it said is newer. */
const changed = new Set()
let current
let events
let retry

// --- Coming in and staying connected ---

start()

/** Reads the whole state: at first, and whenever the stream of changes (again) begins. */
async function start() {
  clearTimeout(retry)
  changed.clear()
  const answer = await fetch('/web/state').catch(() => undefined)
  if (!answer?.ok) return waitForServer()
  const state = await answer.json()
  if (!state.me) return showLogin(state)
  me = state.me
  needsToken = state.needsToken
  room = state.rooms[0]
  byId('room-name').textContent = `#${room}`
  byId('notice').textContent = state.notice
  byId('me').textContent = nameOf(me)
  byId('login').hidden = true
  app.hidden = false
  for (const id of threads.keys()) if (!state.threads.some((thread) => thread.id === id)) threads.delete(id)
  for (const thread of state.threads) if (!changed.has(thread.id)) threads.set(thread.id, thread)
  if (events?.readyState !== EventSource.OPEN) listen()
  await open(threads.has(current) ? current : wanted())
}

/** The thread in the address; on a wide page the newest one else. */
function wanted() {
  const named = decodeURIComponent(location.hash.slice(1))
  if (threads.has(named)) return named
  return wide.matches ? sorted()[0]?.id : undefined
}

function waitForServer() {
  events?.close()
  byId('connection').hidden = false
  app.hidden = byId('login').hidden === false
  clearTimeout(retry)
  retry = setTimeout(start, 1500)
}

/** The server tells every change from the moment this opens; what was before that is in the state. */
function listen() {
  events?.close()
  events = new EventSource('/web/events')
  events.onopen = () => {
    byId('connection').hidden = true
    start()
  }
  events.onerror = () => {
    byId('connection').hidden = false
    // Refused rather than cut: the browser does not try again by itself.
    if (events.readyState === EventSource.CLOSED) waitForServer()
  }
  events.onmessage = ({ data }) => take(JSON.parse(data))
}

function showLogin(asked) {
  events?.close()
  app.hidden = true
  byId('login').hidden = false
  for (const part of document.querySelectorAll('.token')) part.hidden = !asked.needsToken
  byId('login-name').focus()
  byId('login-name').select()
}

byId('login').addEventListener('submit', async (event) => {
  event.preventDefault()
  const name = byId('login-name').value
  const answer = await send('/web/login', { name, token: byId('login-token').value }).catch(() => undefined)
  byId('login-problem').textContent = answer?.ok ? '' : await problemOf(answer)
  if (!answer?.ok) return
  byId('login-token').value = ''
  await start()
})

byId('rename').addEventListener('click', () => {
  byId('login-name').value = nameOf(me)
  // What is said to whom looks different to somebody else.
  list.replaceChildren()
  showLogin({ needsToken })
})

// --- What changes ---

function take({ thread, message }) {
  changed.add(thread.id)
  threads.set(thread.id, thread)
  if (message && thread.id === current) {
    const isNew = !messages.has(message.id)
    const follows = isAtEnd() || message.from === me
    messages.set(message.id, message)
    draw(message)
    if (follows) scrollToEnd()
    else if (isNew && !message.quiet) byId('newest').hidden = false
  }
  drawThreads()
  drawBar()
}

async function open(thread) {
  keepDraft()
  const isOther = thread !== current
  current = thread
  app.classList.toggle('in-thread', thread !== undefined)
  byId('reply').hidden = byId('bar').hidden = list.hidden = thread === undefined
  byId('empty').hidden = thread !== undefined
  byId('newest').hidden = true
  history.replaceState(null, '', thread ? `#${encodeURIComponent(thread)}` : location.pathname)
  if (isOther) {
    list.replaceChildren()
    byId('reply-text').value = drafts.get(thread) ?? ''
  }
  messages.clear()
  drawThreads()
  drawBar()
  if (thread === undefined) return

  const answer = await fetch(`/web/thread?id=${encodeURIComponent(thread)}`).catch(() => undefined)
  if (thread !== current || !answer?.ok) return
  const wasAtEnd = isOther || isAtEnd()
  for (const message of (await answer.json()).messages) {
    // What came by the stream meanwhile is newer.
    if (!messages.has(message.id)) messages.set(message.id, message)
  }
  for (const message of messages.values()) draw(message)
  for (const message of [...messages.values()].sort(byNumber)) list.append(itemOf(message))
  if (wasAtEnd) scrollToEnd()
  drawThreads()
}

const numberOf = ({ id }) => Number(id.split('|').at(-1))
const byNumber = (a, b) => numberOf(a) - numberOf(b)
const itemOf = ({ id }) => list.querySelector(`[data-id="${CSS.escape(id)}"]`)

const isAtEnd = () => list.scrollHeight - list.scrollTop - list.clientHeight < 60

function scrollToEnd() {
  list.scrollTop = list.scrollHeight
  byId('newest').hidden = true
}

list.addEventListener('scroll', () => {
  if (isAtEnd()) byId('newest').hidden = true
})
byId('newest').addEventListener('click', scrollToEnd)
byId('back').addEventListener('click', () => open(undefined))
addEventListener('hashchange', () => open(wanted()))
addEventListener('visibilitychange', drawThreads)

// --- The list of threads ---

const sorted = () => [...threads.values()].sort((a, b) => b.at - a.at)

function drawThreads() {
  if (current && !document.hidden && threads.has(current)) markRead(threads.get(current))
  const shown = byId('threads')
  const items = sorted().map(threadItem)
  if (items.length === 0)
    items.push(element('li', { className: 'none', textContent: 'No threads yet. Ask something below.' }))
  // Moved only when the order changed: what is being clicked or has the focus stays where it is.
  if (items.length !== shown.children.length || items.some((item, index) => shown.children[index] !== item))
    shown.replaceChildren(...items)
  const calling = sorted().filter((thread) => thread.waits || isUnread(thread)).length
  document.title = calling > 0 ? `(${calling}) ${pageTitle}` : pageTitle
}

const threadItems = new Map()

function threadItem(thread) {
  const known = threadItems.get(thread.id)
  const button = known?.firstChild ?? element('button', { type: 'button' })
  const meta = [thread.name, `${thread.messages} ${thread.messages === 1 ? 'message' : 'messages'}`, clock(thread.at)]
  const tags = [
    isUnread(thread) && element('span', { className: 'tag new', textContent: 'new' }),
    thread.waits && element('span', { className: 'tag waits', textContent: 'waits for a decision' }),
    thread.atWork && !thread.waits && element('span', { className: 'tag busy', textContent: 'at work' }),
  ]
  button.className = isUnread(thread) ? 'unread' : ''
  if (thread.id === current) button.setAttribute('aria-current', 'true')
  else button.removeAttribute('aria-current')
  button.replaceChildren(
    element('span', { className: 'title', textContent: thread.title }),
    element('span', { className: 'meta', textContent: meta.join(' · ') }),
    ...tags.filter(Boolean),
  )
  if (known) return known
  button.addEventListener('click', () => open(thread.id))
  const item = element('li', {}, button)
  threadItems.set(thread.id, item)
  return item
}

/** When each thread was last looked at, by thread; kept by the browser. */
const reads = (() => {
  try {
    return JSON.parse(localStorage.getItem('kube-agent-read') ?? '{}')
  } catch {
    return {}
  }
})()

const isUnread = (thread) => thread.lastLoud > (reads[thread.id] ?? 0) && (thread.id !== current || document.hidden)

function markRead(thread) {
  if (reads[thread.id] === thread.lastLoud) return
  reads[thread.id] = thread.lastLoud
  try {
    localStorage.setItem('kube-agent-read', JSON.stringify(reads))
  } catch {
    // A browser that keeps nothing shows threads as new again.
  }
}

function drawBar() {
  const thread = threads.get(current)
  byId('title').textContent = thread?.title ?? ''
  byId('busy').hidden = !thread?.atWork
}

// --- Messages ---

function draw(message) {
  const known = itemOf(message)
  const item = known ?? newItem(message)
  const classes = [
    'message',
    message.bot ? 'bot' : 'person',
    message.quiet && 'quiet',
    message.prompt && 'prompt',
    message.prompt,
  ]
  item.className = classes.filter(Boolean).join(' ')
  item.querySelector('.state').textContent = message.seen ? '✓ seen' : ''
  const shown = `${message.prompt ?? ''} ${message.html}`
  if (item.shown !== shown) drawBody(item, message)
  item.shown = shown
  drawMarks(item, message)
  if (!known) list.append(item)
}

function newItem(message) {
  const avatar = element('span', { className: 'avatar' }, message.bot ? logo() : message.name[0].toUpperCase())
  avatar.setAttribute('aria-hidden', 'true')
  avatar.style.setProperty('--hue', hueOf(message.name))
  const time = element('time', { textContent: clock(message.at), dateTime: new Date(message.at).toISOString() })
  time.title = new Date(message.at).toLocaleString()
  const head = element('div', { className: 'head' }, element('strong', { textContent: message.name }), ' ', time, ' ')
  if (message.mention.includes(me)) head.append(element('span', { className: 'to', textContent: '@you' }), ' ')
  head.append(element('span', { className: 'state' }))
  const item = element('li', { tabIndex: -1 }, avatar, head, element('div', { className: 'body' }))
  item.dataset.id = message.id
  if (message.file) item.append(fileLink(message))
  return item
}

const logo = () => document.querySelector('svg.logo').cloneNode(true)

const fileLink = ({ id, file }) =>
  element('a', {
    className: 'file',
    href: `/web/file?message=${encodeURIComponent(id)}`,
    download: file,
    textContent: `⬇ ${file}`,
  })

function drawBody(item, message) {
  const body = item.querySelector('.body')
  // The server has made this HTML safe: only formatting is left in it.
  body.innerHTML = message.html
  for (const code of body.querySelectorAll('code.language-diff')) colour(code)
  if (message.bot && !message.quiet) markCitations(body)
  if (message.prompt) groupParts(body)
  if (message.prompt === 'closed') foldDetails(body)
  const sign = [...(body.children[message.prompt === 'closed' ? 1 : 0]?.textContent ?? '')][0]
  item.dataset.outcome = { '✅': 'good', '❌': 'bad', '⚠': 'bad' }[sign] ?? ''
}

/** What a prompt shows, each part with its title, so that they can stand side by side. */
function groupParts(body) {
  for (const title of body.querySelectorAll(':scope > p')) {
    const part = title.nextElementSibling
    if (!part?.matches('pre, ul')) continue
    const group = element('section')
    title.before(group)
    group.append(title, part)
  }
}

/** Lines of a diff as blocks of their own. */
function colour(code) {
  const kinds = { '+': 'added', '-': 'removed', '@': 'place' }
  const lines = code.textContent.replace(/\n$/, '').split('\n')
  code.replaceChildren(
    ...lines.map((line) => element('span', { className: kinds[line[0]] ?? '', textContent: `${line}\n` })),
  )
}

/** `[2]` in an answer says, when pointed at, which step it means. */
function markCitations(body) {
  const walker = document.createTreeWalker(body, NodeFilter.SHOW_TEXT)
  const texts = []
  while (walker.nextNode()) if (!walker.currentNode.parentElement.closest('code, a')) texts.push(walker.currentNode)
  for (const text of texts) {
    const parts = text.data.split(/(\[\d+\])/)
    if (parts.length === 1) continue
    text.replaceWith(
      ...parts.map((part) =>
        /^\[\d+\]$/.test(part) ? element('span', { className: 'cite', textContent: part, title: stepOf(part) }) : part,
      ),
    )
  }
}

/** The line of a progress post that has this number. */
function stepOf(number) {
  const lines = [...list.querySelectorAll('.bot.quiet .body')].flatMap((body) => body.innerText.split('\n'))
  return lines.find((line) => line.includes(number))?.trim() ?? ''
}

/** A decided prompt shows what became of it; what it was about can be opened. */
function foldDetails(body) {
  const parts = [...body.children].slice(2)
  if (parts.length === 0) return
  const details = element('details', {}, element('summary', { textContent: 'What it was about' }))
  details.append(element('div', { className: 'parts' }, ...parts))
  body.append(details)
}

const labels = { approve: ['✅', 'Approve'], deny: ['❌', 'Deny'] }

/** Buttons under an open prompt; who marked what under any. */
function drawMarks(item, message) {
  const bar = item.querySelector('.marks') ?? element('div', { className: 'marks' })
  const hadFocus = bar.contains(document.activeElement) && document.activeElement.dataset.mark
  const parts = Object.entries(labels).flatMap(([mark, [sign, label]]) => {
    const who = message.marks.filter((vote) => vote.mark === mark).map((vote) => vote.from)
    const names = who.length > 0 ? element('span', { className: 'names', textContent: who.map(nameOf).join(', ') }) : ''
    if (message.prompt !== 'open')
      return who.length > 0 ? [element('span', { className: `voted ${mark}` }, `${sign} `, names)] : []
    const button = element('button', { type: 'button', className: mark }, `${sign} ${label} `, names)
    button.dataset.mark = mark
    button.setAttribute('aria-pressed', String(who.includes(me)))
    button.addEventListener('click', () => act('/web/marks', { message: message.id, mark, on: !who.includes(me) }))
    return [button]
  })
  bar.replaceChildren(...parts)
  if (parts.length === 0) bar.remove()
  else item.append(bar)
  // Whoever decides by keyboard stays where the prompt is.
  if (hadFocus) (bar.querySelector(`[data-mark="${hadFocus}"]`) ?? item).focus()
}

// --- What the visitor says ---

/** What was written and not sent, by thread. */
const drafts = new Map()

function keepDraft() {
  if (current) drafts.set(current, byId('reply-text').value)
}

byId('ask').addEventListener('submit', async (event) => {
  event.preventDefault()
  const answer = await say(byId('ask-text'), {})
  if (!answer) return
  await open(answer.message)
  byId('reply-text').focus()
})
byId('reply').addEventListener('submit', (event) => {
  event.preventDefault()
  say(byId('reply-text'), { thread: current })
})
for (const box of document.querySelectorAll('textarea')) {
  box.addEventListener('keydown', (event) => {
    // Enter also ends the composition of a Korean syllable.
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return
    event.preventDefault()
    box.form.requestSubmit()
  })
}

async function say(box, where) {
  const text = box.value.trim()
  if (text === '' || box.readOnly) return undefined
  box.readOnly = true
  const answer = await act('/web/messages', { room, text, ...where })
  box.readOnly = false
  if (answer) box.value = ''
  return answer
}

/** Sends something; what went wrong is said under the messages, and nothing that was written is lost. */
async function act(path, body) {
  const answer = await send(path, body).catch(() => undefined)
  if (answer?.status === 401) showLogin(await answer.clone().json())
  const problem = answer?.ok ? '' : await problemOf(answer)
  byId('problem').textContent = problem
  byId('problem').hidden = problem === ''
  return answer?.ok ? answer.json() : undefined
}

async function problemOf(answer) {
  if (!answer) return 'The server does not answer. What you wrote is kept; try again.'
  const { error } = await answer
    .clone()
    .json()
    .catch(() => ({}))
  return error ?? 'That did not work. Try again.'
}

const send = (path, body) =>
  fetch(path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })

// --- Small things ---

const nameOf = (user) => user.replace(/^@(.*):web$/, '$1')
const clock = (at) => new Date(at).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' })
const hueOf = (name) => [...name].reduce((sum, letter) => (sum * 31 + letter.codePointAt(0)) % 360, 7)
