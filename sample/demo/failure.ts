/** A step of the demo that failed; the message says what to do about it. */
export class DemoFailure extends Error {
  override readonly name = 'DemoFailure';
}
