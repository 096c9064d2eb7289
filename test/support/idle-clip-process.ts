import path from 'node:path';
import { clipProvider } from '../../plugin/src/embedding/clip/provider';

/** Entry of a process that embeds a text and then has nothing left to do, without closing the provider. */
async function embedAndIdle(): Promise<void> {
  const projectFolder = path.resolve(__dirname, '../..');
  const provider = await clipProvider.open(
    clipProvider.configSchema.parse({ provider: 'clip', model: './sample/model' }),
    { logger: console, projectFolder, onProgress: () => undefined },
  );
  const vectors = await provider.embedTexts(['dog']);
  process.stdout.write(`${String(vectors.length)} vector`);
}

void embedAndIdle();
