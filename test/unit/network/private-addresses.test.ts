import { describe, expect, it } from '@jest/globals';
import { createGuardedFetch } from '../../../plugin/src/network/guarded-fetch';
import {
  expectFetchFailure,
  fetchFrom,
  LOOPBACK,
  picture,
  secret,
  setUpDownloads,
} from '../../support/downloads';

const downloads = setUpDownloads();

describe('an address that is not of the public internet', () => {
  it.each([
    LOOPBACK,
    '127.1',
    '127.8.8.8',
    '2130706433',
    '0x7f000001',
    '0x7f.1',
    '017700000001',
    '0177.0.0.1',
    '127。0。0。1',
    '0.0.0.0',
    '0',
    '10.0.0.1',
    '172.16.0.1',
    '192.168.1.1',
    '100.64.0.1',
    '169.254.169.254',
    '224.0.0.1',
    '255.255.255.255',
    '[::1]',
    '[::]',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
    '[::127.0.0.1]',
    '[64:ff9b::7f00:1]',
    '[2002:7f00:1::]',
    '[fe80::1]',
    '[fc00::1]',
    '[fec0::1]',
  ])('is refused as %s', async (host) => {
    const url = `http://${host}:${String(downloads.server.port)}/picture?${secret}`;
    const message = await expectFetchFailure(fetchFrom(downloads.guarded, url), 'refused');
    expect(message).toMatch(/public internet/);
    expect(downloads.server.requests).toEqual([]);
  });

  it.each(['localhost', 'LOCALHOST'])('is refused behind the name %s', async (host) => {
    const url = `http://${host}:${String(downloads.server.port)}/picture`;
    await expectFetchFailure(fetchFrom(downloads.guarded, url), 'refused');
    expect(downloads.server.requests).toEqual([]);
  });

  it('is read when its host is listed, in whatever case', async () => {
    const fetch = createGuardedFetch({ allowedHosts: ['LocalHost'] });
    const url = `http://localhost:${String(downloads.server.port)}/picture`;
    expect(await fetchFrom(fetch, url)).toHaveLength(picture.length);
    await expectFetchFailure(fetchFrom(fetch, `${downloads.server.origin}/picture`), 'refused');
    await fetch.dispose();
  });

  it('is refused to those who tell another name for a listed host', async () => {
    const fetch = createGuardedFetch({ allowedHosts: ['storage.internal'] });
    const url = `http://storage.internal@${LOOPBACK}:${String(downloads.server.port)}/picture`;
    await expectFetchFailure(fetchFrom(fetch, url), 'refused');
    await fetch.dispose();
  });

  it.each(['::1', '[::1]'])('may be listed in IPv6 as %s', async (host) => {
    const fetch = createGuardedFetch({ allowedHosts: [host] });
    // Nobody listens there: it is asked, not refused.
    await expectFetchFailure(fetchFrom(fetch, 'http://[::1]:1/picture'), 'unreachable');
    await fetch.dispose();
  });
});
