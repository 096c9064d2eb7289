import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { resolveWorkerFile } from '../../plugin/src/workers';
import { copyToTemporaryFolder, openClip, siglipFolder } from '../support/clip-provider';
import { sampleModelFolder } from '../support/paths';
import { describeEmbeddingProvider } from './embedding-provider';

describeEmbeddingProvider('clip with the sample model', {
  open: async () => ({
    provider: await openClip({ model: sampleModelFolder }),
    close: () => Promise.resolve(),
  }),
  openSpoilt: async (fault) => {
    const { folder, remove } = await copyToTemporaryFolder(siglipFolder);
    await cp(path.join(siglipFolder, 'spoilt', fault), path.join(folder, 'onnx'), {
      recursive: true,
      force: true,
    });
    return { provider: await openClip({ model: folder, dtype: 'fp32' }), close: remove };
  },
  openUnavailable: async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'image-search-process-'));
    const processFile = path.join(folder, 'process.cjs');
    await cp(resolveWorkerFile('clip'), processFile);
    const provider = await openClip({ model: sampleModelFolder }, { processFile });
    await rm(folder, { recursive: true });
    process.kill(Number(provider.processId), 'SIGKILL');
    return { provider, close: () => Promise.resolve() };
  },
});
