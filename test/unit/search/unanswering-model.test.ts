import { beforeEach, describe, expect, it } from '@jest/globals';
import { EngineRig, image, text } from '../../support/engine-rig';
import { untilAborted } from '../../support/hash-provider';
import { plainImage } from '../../support/plain-images';

let rig: EngineRig;

beforeEach(async () => {
  rig = await EngineRig.create();
});

describe("a model that isn't responding", () => {
  const outOfTime = new DOMException('Too late.', 'TimeoutError');
  const isLate = {
    code: 'provider-unavailable',
    retryable: true,
    retryAfterMs: 5_000,
    message: "The model is still loading or isn't responding. Try again in a few seconds.",
  };

  /** Both kinds of calls, while the provider can't be opened or doesn't respond. */
  async function expectFailures(reason: unknown, expected: object): Promise<void> {
    for (const isOpened of [false, true]) {
      const never = new Promise<never>(() => undefined);
      rig.engine = isOpened ? rig.createEngine() : rig.createEngine({ openProvider: () => never });
      // It ignores the signal too.
      rig.provider.onCall = () => never;
      for (const example of [
        { kind: 'text', text: 'a dog' },
        image(plainImage('a dog')),
      ] as const) {
        const controller = new AbortController();
        const { signal } = controller;
        const asked = [rig.engine.embed(example, signal), rig.search({ like: [example], signal })];
        const failing = asked.map((answer) => expect(answer).rejects.toMatchObject(expected));
        await untilIdle();
        controller.abort(reason);
        await Promise.all(failing);
      }
    }
  }

  it('is unavailable after the timeout', async () => {
    await expectFailures(outOfTime, isLate);
  });

  it("isn't waited for by a disconnected caller", async () => {
    await expectFailures(undefined, { code: 'aborted' });
  });

  it('is unavailable even if it stops when aborted', async () => {
    rig.provider.onCall = (_inputs, signal) => untilAborted(signal);
    const controller = new AbortController();
    const searching = rig.search({ like: [text('a dog')], signal: controller.signal });
    controller.abort(outOfTime);
    await expect(searching).rejects.toMatchObject(isLate);
  });
});

/** Resolves when everything is waiting. */
function untilIdle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
