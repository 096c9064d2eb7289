import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startHostedApp, type HostedApp } from '../support/hosted-app';
import { sampleImages, type FileBytes } from '../support/library';
import { pollUntil } from '../support/polling';

describe("a hosted provider that doesn't answer", () => {
  let app: HostedApp;
  let supply: FileBytes[];

  beforeAll(async () => {
    supply = await sampleImages(12);
    app = await startHostedApp({ timeoutSeconds: 1, indexing: { firstRetrySeconds: 1 } });
  });
  afterAll(async () => {
    await app.stop();
  });

  it.each(['hang', 'hang-in-body'] as const)(
    'times out after embedding.timeoutSeconds, and is asked again once it responds: %s',
    async (kind) => {
      app.server.failAlways({ kind });
      const files = await app.upload(...supply.splice(0, 3));
      const status = await pollUntil(
        () => app.readStatus(),
        ({ worker }) => worker.state === 'paused',
      );
      expect(status.worker.pause).toMatchObject({
        code: 'provider-unavailable',
        message: expect.stringMatching(/within 1 s \(embedding\.timeoutSeconds\)/),
      });
      expect(status.provider).toMatchObject({ ok: false });
      expect(status.counts).toMatchObject({ failed: 0 });
      files.push(...(await app.upload(...supply.splice(0, 2))));
      expect(files).toHaveLength(5);

      app.server.failAlways(undefined);
      await app.reindex('missing');
      const healed = await app.waitUntilIndexed();
      expect(healed.counts).toMatchObject({ indexed: healed.total, failed: 0 });
      for (const { id } of files) {
        expect(await app.entry(id)).toMatchObject({ state: 'indexed', error: null });
      }
    },
  );

  it("doesn't keep Strapi from stopping", async () => {
    app.server.failAlways({ kind: 'hang' });
    const requests = app.imageRequests();
    await app.upload(...supply.splice(0, 1));
    await pollUntil(
      () => Promise.resolve(app.imageRequests()),
      (count) => count > requests,
    );
    expect(await app.kill('SIGTERM')).toEqual({ code: 0, signal: null });
  });
});
