import { createHmac } from 'node:crypto'
import { isIPv6 } from 'node:net'

/** A name that must not be told, and what it is the name of: the pseudonym begins with it. */
export interface Sensitive {
  type: string
  name: string
  /** Of an object: then it is hidden where names of objects stand, even if it is a word that every cluster has, such as `api`. */
  isObject?: boolean
}

export interface Anonymiser {
  /**
   * The text with every known name, and whatever looks like a host, an address or an e-mail address, replaced by a pseudonym. Words that
   * Kubernetes itself uses are hidden only where the name of an object stands; numbers and single characters are no names.
   */
  hide(text: string): string
  /** The text with the pseudonyms that this anonymiser gave turned back into names; whatever else looks like one is left alone. */
  restore(text: string): string
}

/**
 * The same name gets the same pseudonym for as long as the key is the same, such as `namespace-4f2a91`. Without the key nobody can tell
 * whether a pseudonym stands for a name.
 */
export function createAnonymiser({ key, names }: { key: string | Buffer; names: Iterable<Sensitive> }): Anonymiser {
  const known = new Map<string, string>()
  const objects = new Map<string, string>()
  for (const { type, name, isObject } of names) {
    if (isObject && everyday.has(name)) objects.set(name, typeOf(type))
    for (const part of name.match(words) ?? [])
      if (isName(part) && !known.has(normalised(part))) known.set(normalised(part), typeOf(type))
  }
  const longest = Math.max(1, ...[...known.keys()].map((name) => wordsOf(name).length))
  const masks = new Map<string, string>()
  const originals = new Map<string, string>()

  function maskOf(original: string, type: string): string {
    const given = masks.get(original)
    if (given) return given
    const digest = createHmac('sha256', key).update(original).digest('hex')
    // A pseudonym stands for one name and is none itself; longer ones are tried until that is so.
    for (let length = 6; ; length++) {
      const mask = `${type}-${digest.slice(0, length)}`
      if (originals.has(mask) || known.has(mask) || mask === original) continue
      masks.set(original, mask)
      originals.set(mask, original)
      return mask
    }
  }

  function replaced(text: string): string {
    return text.replace(tokens, (token, ...rest) => {
      const groups = rest.at(-1) as { email?: string; address?: string; mask?: string }
      const before = text.slice(Math.max(0, (rest.at(-3) as number) - 40), rest.at(-3) as number)
      if (groups.email) return maskOf(token, 'email')
      if (groups.address) return addressIn(token)
      // A text that holds such a word of its own must get it back.
      if (groups.mask) return maskOf(token, known.get(normalised(token)) ?? 'name')
      return wordIn(token, before)
    })
  }

  function addressIn(token: string): string {
    const address = isAddress(token) ? token : token.replace(/[:.]+$/, '')
    const rest = token.slice(address.length)
    if (!isAddress(address))
      return (
        address
          .split(/(:)/)
          .map((part) => wordIn(part, ''))
          .join('') + rest
      )
    return (isLoopback(address) ? address : maskOf(address, 'ip')) + rest
  }

  function wordIn(token: string, before: string): string {
    const type = known.get(normalised(token)) ?? (isNamePlace.test(before) ? objects.get(token) : undefined)
    if (type) return maskOf(token, type)
    if (clusterHost.test(token)) return partsOf(token, 'name')
    if ((isHost(token) && !before.endsWith('].')) || (isHostPlace.test(before) && isName(token)))
      return maskOf(token, 'host')
    return partsOf(token)
  }

  /** The longest known names first, each between dots, dashes or underscores; the others as they are, or hidden as `otherwise`. */
  function partsOf(token: string, otherwise?: string): string {
    const parts = token.split(separators)
    let text = ''
    for (let at = 0; at < parts.length; ) {
      const end = Math.min(parts.length, at + 2 * longest - 1)
      const found = longestFrom(parts, at, end)
      const part = parts[at] ?? ''
      if (found) text += maskOf(found.name, found.type)
      else if (otherwise && at % 2 === 0 && isName(part) && !clusterWords.has(part)) text += maskOf(part, otherwise)
      else text += part
      at = found ? found.end : at + 1
    }
    return text
  }

  function longestFrom(parts: string[], start: number, last: number) {
    if (start % 2 === 1) return undefined
    for (let end = last - ((last - start + 1) % 2); end > start; end -= 2) {
      const name = parts.slice(start, end).join('')
      const type = known.get(normalised(name))
      if (type) return { name, type, end }
    }
    return undefined
  }

  return {
    hide: replaced,
    restore: (text) => text.replace(maskShape, (mask) => originals.get(mask) ?? mask),
  }
}

const word = '[A-Za-z0-9]+(?:[-._]+[A-Za-z0-9]+)*'
const mask = '(?<![A-Za-z0-9])[a-z]{2,30}-[0-9a-f]{6,64}(?![A-Za-z0-9])'
const words = new RegExp(word, 'g')
const maskShape = new RegExp(mask, 'g')
const tokens = new RegExp(
  [
    String.raw`(?<email>[A-Za-z0-9.+_-]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)`,
    String.raw`(?<address>(?<![A-Za-z0-9])(?:[0-9]{1,3}(?:\.[0-9]{1,3}){3}|[0-9A-Fa-f]{0,4}:[0-9A-Fa-f:.]{1,45})(?![A-Za-z0-9]|\.\d))`,
    `(?<mask>${mask}(?![-._]))`,
    word,
  ].join('|'),
  'g',
)
const separators = /([-._]+)/

const wordsOf = (name: string): string[] => name.split(separators).filter((_part, index) => index % 2 === 0)

/** Variables are named after what they belong to, `CHECKOUT_API_URL`. */
const normalised = (name: string): string => name.toLowerCase().replaceAll('_', '-')

const typeOf = (type: string): string =>
  type
    .toLowerCase()
    .replaceAll(/[^a-z]/g, '')
    .slice(0, 30)
    .padEnd(2, 'x')

/** Words that somebody may well call a workload or a namespace; hiding them wherever they stand would take the sense from a text. */
const everyday = new Set(
  (
    'api apis app apps name namespace node host hostname image label email ip pod pods container containers init deployment replicaset ' +
    'statefulset daemonset job cronjob service services endpoints endpointslice ingress configmap secret volume claim persistentvolume ' +
    'persistentvolumeclaim storageclass event events role rolebinding clusterrole clusterrolebinding serviceaccount networkpolicy gateway ' +
    'httproute spec status metadata data cluster local svc system linux windows amd64 arm64 cpu memory storage http https tcp udp grpc ' +
    'error errors failed failure warning info critical ready running pending waiting terminated reason message type value key state'
  ).split(' '),
)

/** Words that stand for nothing of one's own. */
const everybodys = new Set(
  (
    'true false yes no none null default kubernetes kube-system kube-public kube-node-lease localhost ephemeral-storage ' +
    'the is was not has and or of to in for on at it be by as an'
  ).split(' '),
)

const isName = (name: string): boolean =>
  name.length > 1 &&
  /[A-Za-z0-9]/.test(name) &&
  !/^\d+$/.test(name) &&
  ![everyday, everybodys].some((known) => known.has(name.toLowerCase()))

const clusterHost = /\.(?:svc|cluster\.local)$/
const clusterWords = new Set(['svc', 'cluster', 'local'])
const isHostPlace = /(?::\/\/|\blookup |\bhost |@)$/
/** After the kind, the namespace, a key or a quotation mark: `Deployment api`, `shop/api`, `name=api`, `pods "api"`. */
const isNamePlace =
  /(?:[\w-]\/|[=["'`]|\b(?:container|pod|deployment|replicaset|statefulset|daemonset|job|cronjob|service|ingress|gateway|configmap|secret|node|namespace|serviceaccount|horizontalpodautoscaler|poddisruptionbudget|networkpolicy|persistentvolumeclaim) )$/i

const fieldRoots = /^(?:spec|status|metadata|data|webhooks|roleRef|subjects|rules|event|log|object)\./
const files =
  /\.(?:sh|py|js|ts|rb|go|rs|c|h|java|php|yaml|yml|json|conf|cfg|txt|log|pem|crt|key|so|jar|xml|toml|ini|env|sock|pid|html|css|sql|db|md|tmp)$/i

/** Lower-case words with dots, the last of letters: a host, unless it is a field, a file or an API of Kubernetes. After `].` it is the rest of a field's path. */
const isHost = (token: string): boolean =>
  /^[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,24}$/.test(token) &&
  !fieldRoots.test(token) &&
  !files.test(token) &&
  !/(?:^|\.)(?:k8s|kubernetes)\.io$|\.(?:apps|batch|policy|autoscaling)$/.test(token)

const isAddress = (text: string): boolean => isIPv6(text) || /^(?:\d{1,3}\.){3}\d{1,3}$/.test(text)

const isLoopback = (address: string): boolean =>
  address.startsWith('127.') || ['0.0.0.0', '::1', '::'].includes(address)
