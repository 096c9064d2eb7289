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

describe('an address outside the public internet', () => {
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
    const url = `http://${host}:${String(downloads.server.port)}/image?${secret}`;
    const message = await expectFetchFailure(fetchFrom(downloads.guarded, url), 'refused');
    expect(message).toMatch(/public internet/);
    expect(downloads.server.requests).toEqual([]);
  });

  it.each(['localhost', 'LOCALHOST'])('is refused as %s', async (host) => {
    const url = `http://${host}:${String(downloads.server.port)}/image`;
    await expectFetchFailure(fetchFrom(downloads.guarded, url), 'refused');
    expect(downloads.server.requests).toEqual([]);
  });

  it('is read when its host is listed, in any letter case', async () => {
    const fetch = createGuardedFetch({ allowedHosts: ['LocalHost'] });
    const url = `http://localhost:${String(downloads.server.port)}/image`;
    expect(await fetchFrom(fetch, url)).toHaveLength(image.length);
    await expectFetchFailure(fetchFrom(fetch, `${downloads.server.origin}/image`), 'refused');
    await fetch.dispose();
  });

  it('is refused under another name of a listed host', async () => {
    const fetch = createGuardedFetch({ allowedHosts: ['storage.internal'] });
    const url = `http://storage.internal@${LOOPBACK}:${String(downloads.server.port)}/image`;
    await expectFetchFailure(fetchFrom(fetch, url), 'refused');
    await fetch.dispose();
  });

  it.each(['::1', '[::1]'])('can be listed as %s in IPv6', async (host) => {
    const fetch = createGuardedFetch({ allowedHosts: [host] });
    // Nothing listens there: the request is sent, not refused.
    await expectFetchFailure(fetchFrom(fetch, 'http://[::1]:1/image'), 'unreachable');
    await fetch.dispose();
  });
});
