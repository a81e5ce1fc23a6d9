import { hkdfSync } from 'node:crypto'

/**
 * The secret of one webhook, made from ours: 64 hex digits. The scope is `owner/repository` or an owner. Whoever may edit a webhook
 * can read its secret; this one signs for its scope alone and says nothing about the master or the other scopes.
 */
export function deriveSecret(master: string, scope: string): string {
  // Gitea's names are the same in capitals and small letters.
  const info = `kube-agent webhook ${scope.toLowerCase()}`
  return Buffer.from(hkdfSync('sha256', master, '', info, 32)).toString('hex')
}

/** The same, remembered for each scope: to derive a secret takes as long as all the rest of looking at a delivery. */
export function createDerivation(): typeof deriveSecret {
  const known = new Map<string, string>()
  return (master, scope) => {
    const key = `${master}\n${scope}`
    const found = known.get(key)
    if (found !== undefined) return found
    // Scopes are read from bodies that nobody has signed yet.
    if (known.size >= mostKnown) known.clear()
    const secret = deriveSecret(master, scope)
    known.set(key, secret)
    return secret
  }
}

const mostKnown = 1_000
