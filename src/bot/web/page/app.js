// The page of the web room: it shows what the server says and sends what the visitor does. No library, no build.
const byId = (id) => document.getElementById(id)
const app = byId('app')
const messages = new Map()
let me = ''
let room = ''
let current
let atWork = new Set()
let events

start()

async function start() {
  const answer = await fetch('/web/state')
  if (answer.status === 401) return showLogin(await answer.json())
  const state = await answer.json()
  me = state.me
  room = state.rooms[0]
  atWork = new Set(state.atWork)
  byId('room-name').textContent = `# ${room}`
  byId('notice').textContent = state.notice ?? ''
  byId('me').textContent = me
  messages.clear()
  for (const message of state.messages) messages.set(message.id, message)
  byId('login').hidden = true
  app.hidden = false
  drawThreads()
  const fromAddress = decodeURIComponent(location.hash.slice(1))
  open(
    threads().find(([thread]) => thread === fromAddress)?.[0] ??
      current ??
      (matchMedia('(min-width: 721px)').matches ? threads()[0]?.[0] : undefined),
  )
  listen()
}

function showLogin({ needsToken }) {
  app.hidden = true
  byId('login').hidden = false
  for (const part of document.querySelectorAll('.token')) part.hidden = !needsToken
  byId('login-name').focus()
}

byId('login').addEventListener('submit', async (event) => {
  event.preventDefault()
  const answer = await send('/web/login', { name: byId('login-name').value, token: byId('login-token').value })
  if (answer.ok) return start()
  byId('login-problem').textContent = (await answer.json()).error
})

/** The server tells every change; after a cut the whole state is read again. */
function listen() {
  events?.close()
  events = new EventSource('/web/events')
  let lost = false
  events.onopen = () => {
    byId('connection').hidden = true
    if (lost) start()
  }
  events.onerror = () => {
    lost = true
    byId('connection').hidden = false
  }
  events.onmessage = ({ data }) => take(JSON.parse(data))
}

function take(change) {
  if (change.kind === 'working') {
    atWork[change.atWork ? 'add' : 'delete'](change.thread)
    drawBusy()
    return
  }
  const { message } = change
  const isNew = !messages.has(message.id)
  messages.set(message.id, message)
  drawThreads()
  if (isNew && message.from === me && message.id === message.thread) return open(message.thread)
  if (message.thread !== current) return
  const list = byId('messages')
  const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 80
  draw(message)
  if (atEnd || message.from === me) list.scrollTop = list.scrollHeight
}

/** Threads with their messages, the one with the newest message first. */
function threads() {
  const found = new Map()
  for (const message of messages.values()) found.set(message.thread, [...(found.get(message.thread) ?? []), message])
  return [...found].sort(([, a], [, b]) => b.at(-1).at - a.at(-1).at)
}

function drawThreads() {
  const items = threads().map(([thread, list]) => {
    const button = element('button', { type: 'button' })
    button.setAttribute('aria-current', String(thread === current))
    const waits = list.some((message) => message.choice && isOpen(message))
    button.append(
      element('div', { className: 'title', textContent: plain(list[0].html).slice(0, 120) }),
      element('div', { className: 'meta', textContent: `${list[0].name} · ${list.length} messages` }),
    )
    if (waits) button.lastChild.append(element('span', { className: 'wants', textContent: ' · waits for a decision' }))
    button.addEventListener('click', () => open(thread))
    const item = element('li')
    item.append(button)
    return item
  })
  if (items.length === 0)
    items.push(element('li', { className: 'empty', textContent: 'No threads yet. Ask something below.' }))
  byId('threads').replaceChildren(...items)
}

function open(thread) {
  current = thread
  app.classList.toggle('in-thread', thread !== undefined)
  if (thread) history.replaceState(null, '', `#${encodeURIComponent(thread)}`)
  byId('messages').replaceChildren()
  byId('reply').hidden = thread === undefined
  for (const message of messages.values()) if (message.thread === thread) draw(message)
  byId('messages').scrollTop = byId('messages').scrollHeight
  drawThreads()
  drawBusy()
}

const drawBusy = () => {
  byId('busy').hidden = !atWork.has(current)
}

/** A prompt still asks as long as it says how to answer. */
const isOpen = (message) => message.html.includes('!approve ')

function draw(message) {
  const known = byId('messages').querySelector(`[data-id="${CSS.escape(message.id)}"]`)
  const item = known ?? byId('message').content.cloneNode(true).firstElementChild
  item.dataset.id = message.id
  item.className = ['message', message.bot ? 'bot' : 'person', message.quiet && 'quiet', message.choice && 'prompt']
    .filter(Boolean)
    .join(' ')
  item.querySelector('.name').textContent = message.name
  item.querySelector('time').textContent = new Date(message.at).toLocaleTimeString([], {
    hour: '2-digit',
    minute: '2-digit',
  })
  item.querySelector('.state').textContent = message.seen ? '· seen' : ''
  // The server has made this HTML safe: only formatting is left in it.
  item.querySelector('.body').innerHTML = message.html
  for (const code of item.querySelectorAll('code.language-diff')) colour(code)
  const file = item.querySelector('.file')
  file.hidden = !message.file
  if (message.file)
    Object.assign(file, {
      href: `/web/file?message=${encodeURIComponent(message.id)}`,
      textContent: `⬇ ${message.file}`,
    })
  drawMarks(item.querySelector('.marks'), message)
  if (!known) byId('messages').append(item)
}

function drawMarks(bar, message) {
  bar.hidden = !message.choice || (!isOpen(message) && message.marks.length === 0)
  for (const button of bar.querySelectorAll('button')) {
    const who = message.marks.filter((vote) => vote.mark === button.dataset.mark).map((vote) => vote.from)
    button.setAttribute('aria-pressed', String(who.includes(me)))
    button.title = who.join(', ')
    button.querySelector('b').textContent = who.length || ''
    button.onclick = () => act('/web/marks', { message: message.id, mark: button.dataset.mark, on: !who.includes(me) })
  }
}

function colour(code) {
  const lines = code.textContent.replace(/\n$/, '').split('\n')
  code.replaceChildren(
    ...lines.flatMap((line) => [
      element('span', { className: { '+': 'added', '-': 'removed' }[line[0]] ?? '', textContent: line }),
      '\n',
    ]),
  )
}

byId('ask').addEventListener('submit', async (event) => {
  event.preventDefault()
  await say(byId('ask-text'), {})
})
byId('reply').addEventListener('submit', async (event) => {
  event.preventDefault()
  await say(byId('reply-text'), { thread: current })
})
byId('back').addEventListener('click', () => open(undefined))
for (const box of document.querySelectorAll('textarea')) {
  box.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return
    event.preventDefault()
    box.form.requestSubmit()
  })
}

async function say(box, where) {
  const text = box.value.trim()
  if (text === '') return
  if (await act('/web/messages', { room, text, ...where })) box.value = ''
}

/** Sends something; what went wrong is said under the messages and nothing is lost. */
async function act(path, body) {
  const problem = byId('problem')
  problem.hidden = true
  const answer = await send(path, body).catch(() => undefined)
  if (answer?.ok) return true
  problem.textContent = answer
    ? ((await answer.json().catch(() => ({}))).error ?? 'That did not work.')
    : 'The server does not answer. Try again.'
  problem.hidden = false
  return false
}

const send = (path, body) =>
  fetch(path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })

const element = (tag, properties = {}) => Object.assign(document.createElement(tag), properties)

const plain = (html) => new DOMParser().parseFromString(html, 'text/html').body.textContent.trim()
