/** Something that happened outside the chat, in our own words. Text fields come from outside: data, never instructions. */
export type Signal = PushSignal

/** Commits that reached a branch. Hashes have 40 or 64 hex digits; `commits` is oldest first and may be cut (`total` is not). */
export interface PushSignal {
  kind: 'push'
  source: 'gitea'
  /** Names the event whatever delivery brings it: `push:<repository id>:<ref>:<before>:<after>`. */
  id: string
  repository: { id: number; fullName: string; url: string; private: boolean; defaultBranch: string }
  branch: string
  before: string
  after: string
  compareUrl?: string
  pusher: { login: string; name: string }
  commits: PushedCommit[]
  total: number
}

export interface PushedCommit {
  id: string
  title: string
  author: string
  url: string
  /** Paths that the commit touches, at most 200. */
  files: string[]
}
