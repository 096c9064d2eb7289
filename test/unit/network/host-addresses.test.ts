import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  createDnsResolver,
  systemAddresses,
  type HostResolver,
  createQueryFetch,
} from '../../../plugin/src/network/guarded-fetch';
import { expectFetchFailure, fetchFrom } from '../../support/downloads';
import { startNameServer, type NameServer } from '../../support/name-server';

let nameServer: NameServer;
let resolve: HostResolver;

beforeAll(async () => {
  nameServer = await startNameServer({
    'both.example': ['93.184.215.14', '10.0.0.1', '2606:2800:21f:cb07:6820:80da:af6b:8b2c'],
    'six.example': ['fd00::1'],
    'none.example': [],
  });
  resolve = createDnsResolver([nameServer.address]);
});

afterAll(() => {
  nameServer.close();
});

describe("a caller's host name", () => {
  it('has all addresses that its name server knows', async () => {
    const found = await resolve('both.example');
    expect(found).toHaveLength(3);
    expect(found).toEqual(
      expect.arrayContaining([
        { address: '93.184.215.14', family: 4 },
        { address: '10.0.0.1', family: 4 },
        { address: '2606:2800:21f:cb07:6820:80da:af6b:8b2c', family: 6 },
      ]),
    );
    expect(await resolve('six.example')).toEqual([{ address: 'fd00::1', family: 6 }]);
  });

  it.each(['none.example', 'unknown.example'])('has no addresses as %s', async (host) => {
    await expect(resolve(host)).rejects.toMatchObject({
      code: expect.stringMatching(/ENODATA|ENOTFOUND/),
    });
  });

  it("can't be a local name of this machine", async () => {
    expect(await systemAddresses('localhost')).not.toEqual([]);
    await expect(resolve('localhost')).rejects.toMatchObject({ code: expect.any(String) });
  });

  it.each(['both.example', 'six.example'])(
    'is refused with a private address: %s',
    async (host) => {
      const fetch = createQueryFetch({ allowedHosts: [], resolve });
      await expectFetchFailure(fetchFrom(fetch, `http://${host}/image`), 'refused');
      await fetch.dispose();
    },
  );
});
