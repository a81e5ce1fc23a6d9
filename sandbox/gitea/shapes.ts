import { createHash } from 'node:crypto'
import type { Commit } from './git.ts'

/** The JSON of Gitea 1.26, for API replies and webhook bodies. `url` is the address of the server. */

export interface User {
  id: number
  login: string
  email: string
}

export interface Repository {
  id: number
  owner: User
  name: string
  description: string
  created: string
}

export const noTime = '0001-01-01T00:00:00Z'
export const epoch = '1970-01-01T00:00:00Z'
export const zeros = '0'.repeat(40)

export function userShape({ id, login, email }: User, url: string, created = epoch) {
  return {
    id,
    login,
    login_name: '',
    source_id: 0,
    full_name: '',
    email,
    avatar_url: `${url}/avatars/${createHash('md5').update(login).digest('hex')}`,
    html_url: `${url}/${login}`,
    language: '',
    is_admin: false,
    last_login: noTime,
    created,
    restricted: false,
    active: false,
    prohibit_login: false,
    location: '',
    website: '',
    description: '',
    visibility: 'public',
    followers_count: 0,
    following_count: 0,
    starred_repos_count: 0,
    username: login,
  }
}

/** The owner of a repository where Gitea tells it as an organisation. */
export function organizationShape(owner: User, url: string) {
  const { id, full_name, email, avatar_url, description, website, location, visibility, username } = userShape(
    owner,
    url,
  )
  const about = { description, website, location, visibility, repo_admin_change_team_access: true }
  return { id, name: username, full_name, email, avatar_url, ...about, username }
}

export function repositoryShape(repository: Repository, url: string) {
  const { id, owner, name, description, created } = repository
  const fullName = `${owner.login}/${name}`
  return {
    id,
    owner: userShape(owner, url, created),
    name,
    full_name: fullName,
    description,
    empty: false,
    private: false,
    fork: false,
    template: false,
    mirror: false,
    size: 25,
    language: '',
    languages_url: `${url}/api/v1/repos/${fullName}/languages`,
    html_url: `${url}/${fullName}`,
    url: `${url}/api/v1/repos/${fullName}`,
    link: '',
    ssh_url: `git@localhost:${fullName}.git`,
    clone_url: `${url}/${fullName}.git`,
    original_url: '',
    website: '',
    stars_count: 0,
    forks_count: 0,
    watchers_count: 1,
    open_issues_count: 0,
    open_pr_counter: 0,
    release_counter: 0,
    default_branch: 'main',
    archived: false,
    created_at: created,
    updated_at: created,
    archived_at: epoch,
    permissions: { admin: true, push: true, pull: true },
    has_code: true,
    has_issues: true,
    has_wiki: true,
    has_pull_requests: true,
    has_projects: true,
    has_releases: true,
    has_packages: true,
    has_actions: true,
    internal: false,
    object_format_name: 'sha1',
    mirror_updated: noTime,
    topics: [],
    licenses: [],
  }
}

/** A commit in a webhook body. */
export function payloadCommit(commit: Commit, page: string) {
  const { sha, message, author, committer, date, added, removed, modified } = commit
  return {
    id: sha,
    message,
    url: `${page}/commit/${sha}`,
    author: { ...author, username: '' },
    committer: { ...committer, username: '' },
    verification: null,
    timestamp: date,
    added,
    removed,
    modified,
  }
}

/** A commit in a reply of the API. */
export function commitShape(commit: Commit, page: string, api: string) {
  const { sha, parents, message, author, committer, date, added, removed, modified } = commit
  const self = `${api}/git/commits/${sha}`
  const named = (status: string) => (filename: string) => ({ filename, status })
  return {
    url: self,
    sha,
    created: date,
    html_url: `${page}/commit/${sha}`,
    commit: {
      url: self,
      author: { ...author, date },
      committer: { ...committer, date },
      message,
      tree: { url: `${api}/git/trees/${sha}`, sha, created: date },
      verification: null,
    },
    author: null,
    committer: null,
    parents: parents.map((parent) => ({ url: `${api}/git/commits/${parent}`, sha: parent, created: noTime })),
    files: [...added.map(named('added')), ...removed.map(named('removed')), ...modified.map(named('modified'))],
    stats: null,
  }
}
