/** What this server can do beyond the floor, which is Gitea 1.24. */
export interface Features {
  /** As the server says it, such as `1.26.4`. */
  version: string
  forge: 'Gitea' | 'Forgejo' | 'unknown'
  /** Runs, their jobs, and jobs by id (1.25). */
  runs: boolean
  /** Running again what failed (1.26). */
  rerun: boolean
  /** A comparison as a diff (1.27). */
  compareDiff: boolean
}

/** Judges by the number where it is Gitea's own; by the paths of the API where a fork or a build of its own counts otherwise. */
export function featuresOf(version: string, paths: Set<string> | undefined): Features {
  const number = gitea(version)
  if (number !== undefined)
    return { version, forge: 'Gitea', runs: number >= 25, rerun: number >= 26, compareDiff: number >= 27 }
  const has = (path: string) => paths?.has(path) ?? false
  return {
    version,
    forge: version.includes('+gitea-') ? 'Forgejo' : 'unknown',
    runs: has('/repos/{owner}/{repo}/actions/runs/{run}/jobs'),
    rerun: has('/repos/{owner}/{repo}/actions/runs/{run}/rerun-failed-jobs'),
    compareDiff: false,
  }
}

/** The minor number of a Gitea 1.x; Forgejo's version names the Gitea that it parted from behind a plus. */
export function gitea(version: string): number | undefined {
  if (version.includes('+gitea-')) return undefined
  const [, minor] = /^v?1\.(\d{1,3})(?:\.|-|\+|$)/.exec(version) ?? []
  return minor === undefined ? undefined : Number(minor)
}

/** Says what is missing and from when on it is there. */
export const needs = (feature: string, since: string, { version, forge }: Features): string =>
  `${feature} needs Gitea ${since} or newer; this server is ${forge === 'unknown' ? '' : `${forge} `}${version}.`
