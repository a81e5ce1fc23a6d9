const minute = 60_000
const hour = 60 * minute
const day = 24 * hour

/** How long ago a time of the API server was, in one rough unit: `40s`, `12m`, `5h`, `9d`. Nothing for no time. */
export function age(time: string | undefined, now: number): string | undefined {
  const milliseconds = now - Date.parse(time ?? '')
  if (Number.isNaN(milliseconds)) return undefined
  if (milliseconds < 2 * minute) return `${Math.max(0, Math.floor(milliseconds / 1000))}s`
  if (milliseconds < 2 * hour) return `${Math.floor(milliseconds / minute)}m`
  if (milliseconds < 2 * day) return `${Math.floor(milliseconds / hour)}h`
  return `${Math.floor(milliseconds / day)}d`
}

/** `2026-11-24T08:48:00Z (12m ago)`: exact for comparing, rough for reading. */
export const timeAndAge = (time: string | undefined, now: number): string => {
  const ago = age(time, now)
  return ago === undefined ? 'unknown' : `${time} (${ago} ago)`
}
