import type { TextIndex } from '../../plugin/src/text/contract';
import { createPostgresTextIndex } from '../../plugin/src/text/postgres';
import { describeWithServer } from '../support/describe-with-server';
import { repositoryFolder } from '../support/paths';
import { postgres } from '../support/postgres-server';
import { describeTextIndex } from './text-index';

describeWithServer(postgres, 'on a real server', (server) => {
  describeTextIndex('PostgreSQL', {
    async create() {
      const { connection } = await server().createDatabase();
      const opened: TextIndex[] = [];
      const open = (id = 'one'): TextIndex => {
        const index = createPostgresTextIndex({
          settings: connection,
          projectFolder: repositoryFolder,
          timeoutSeconds: 30,
          schema: 'words',
          database: () => Promise.resolve({ id, name: id }),
        });
        opened.push(index);
        return index;
      };
      return {
        index: open(),
        reopen: () => Promise.resolve(open()),
        openFor: (databaseId) => Promise.resolve(open(databaseId)),
        async destroy() {
          await Promise.all(opened.map((index) => index.dispose()));
        },
      };
    },
  });
});
