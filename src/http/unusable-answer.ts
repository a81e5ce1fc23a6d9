/** There is an answer, but not one that can be used: too large, or of something else than the server that was asked. */
export class UnusableAnswer extends Error {
  override readonly name = 'UnusableAnswer'
}
