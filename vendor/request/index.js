// Stands in for the deprecated `request` package (its dependencies have known vulnerabilities). matrix-bot-sdk calls the
// function that `setRequestFn` gave it; src/bot/matrix sets one on undici before the first call.
module.exports = function request() {
  throw new Error('setRequestFn() must be called before matrix-bot-sdk talks to a homeserver')
}
