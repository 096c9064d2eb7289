/** A failed step of the demo. The message tells the user what to do. */
export class DemoFailure extends Error {
  override readonly name = 'DemoFailure';
}
