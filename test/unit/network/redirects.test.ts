import { describe, expect, it } from '@jest/globals';
import { createGuardedFetch } from '../../../plugin/src/network/guarded-fetch';
import {
  expectFetchFailure,
  fetchFrom,
  LOOPBACK,
  image,
  secret,
  setUpDownloads,
} from '../../support/downloads';

const downloads = setUpDownloads();

describe('a redirect', () => {
  const redirect = (path: string, location: string, status = 302): void => {
    downloads.server.on(path, (_request, response) => {
      response.writeHead(status, { location }).end('moved');
    });
  };

  it.each([301, 302, 303, 307, 308])('with status %i is followed', async (status) => {
    redirect('/old', '/image', status);
    expect(await fetchFrom(downloads.open, `${downloads.server.origin}/old`)).toHaveLength(
      image.length,
    );
  });

  it('is followed at most three times', async () => {
    redirect('/3', '/2');
    redirect('/2', '/1');
    redirect('/1', '/image');
    expect(await fetchFrom(downloads.open, `${downloads.server.origin}/3`)).toHaveLength(
      image.length,
    );
    redirect('/4', '/3');
    await expectFetchFailure(
      fetchFrom(downloads.open, `${downloads.server.origin}/4`),
      'unreachable',
    );
  });

  it('in a loop ends', async () => {
    redirect('/round', '/round');
    await expectFetchFailure(
      fetchFrom(downloads.open, `${downloads.server.origin}/round`),
      'unreachable',
    );
    expect(downloads.server.requests).toHaveLength(4);
  });

  it.each(['10.0.0.1', '169.254.169.254', '[::1]', '2130706434'])(
    'to %s is refused',
    async (host) => {
      redirect('/away', `http://${host}/image?${secret}`);
      await expectFetchFailure(
        fetchFrom(downloads.open, `${downloads.server.origin}/away`),
        'refused',
      );
    },
  );

  it('to a name with a private address is refused', async () => {
    const fetch = createGuardedFetch({ allowedHosts: [LOOPBACK] });
    redirect('/away', `http://localhost:${String(downloads.server.port)}/image`);
    await expectFetchFailure(fetchFrom(fetch, `${downloads.server.origin}/away`), 'refused');
    expect(downloads.server.requests).toEqual(['/away']);
    await fetch.dispose();
  });

  it('to another scheme is refused', async () => {
    redirect('/away', 'file:///etc/passwd');
    await expectFetchFailure(
      fetchFrom(downloads.open, `${downloads.server.origin}/away`),
      'refused',
    );
  });

  it('without a target fails', async () => {
    redirect('/away', 'http://');
    await expectFetchFailure(
      fetchFrom(downloads.open, `${downloads.server.origin}/away`),
      'unreachable',
    );
    downloads.server.on('/silent', (_request, response) => response.writeHead(302).end());
    await expectFetchFailure(
      fetchFrom(downloads.open, `${downloads.server.origin}/silent`),
      'unreachable',
    );
  });
});
