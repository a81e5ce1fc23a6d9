/** The longest time that a timer of Node can wait, some 25 days: it takes a longer one for a millisecond. https://nodejs.org/api/timers.html */
const longestMs = 2 ** 31 - 1

/** Waits; ends early, without an error, when the signal is aborted. A server may ask for any wait: too long a one is cut to 25 days. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const timer = setTimeout(done, Math.min(ms, longestMs))
    signal.addEventListener('abort', done)
    function done() {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
  })
}
