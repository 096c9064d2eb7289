import { beforeEach, describe, expect, it } from '@jest/globals';
import { EngineRig, image, text } from '../../support/engine-rig';
import { untilAborted } from '../../support/hash-provider';
import { plainPicture } from '../../support/plain-pictures';

let rig: EngineRig;

beforeEach(async () => {
  rig = await EngineRig.create();
});

describe('a model that does not answer', () => {
  const outOfTime = new DOMException('Too late.', 'TimeoutError');
  const isLate = {
    code: 'provider-unavailable',
    retryable: true,
    retryAfterMs: 5_000,
    message: 'The model is still being loaded or does not answer.',
  };

  /** Both questions, asked while the provider cannot be opened or does not answer. */
  async function expectFailures(reason: unknown, expected: object): Promise<void> {
    for (const isOpened of [false, true]) {
      const never = new Promise<never>(() => undefined);
      rig.engine = isOpened ? rig.createEngine() : rig.createEngine({ openProvider: () => never });
      // It does not heed the signal either.
      rig.provider.onCall = () => never;
      for (const example of [
        { kind: 'text', text: 'a dog' },
        image(plainPicture('a dog')),
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

  it('is unavailable when the time is up', async () => {
    await expectFailures(outOfTime, isLate);
  });

  it('is not waited for by a caller that hung up', async () => {
    await expectFailures(undefined, { code: 'aborted' });
  });

  it('is unavailable even if it stops as it is told', async () => {
    rig.provider.onCall = (_inputs, signal) => untilAborted(signal);
    const controller = new AbortController();
    const searching = rig.search({ like: [text('a dog')], signal: controller.signal });
    controller.abort(outOfTime);
    await expect(searching).rejects.toMatchObject(isLate);
  });
});

/** Resolves when nothing is left to do but wait. */
function untilIdle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
