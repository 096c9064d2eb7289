import { describe, expect, it } from '@jest/globals';
import type { Context } from 'koa';
import { networkOf, rateLimit } from '../../../server/src/http/rate-limit';

describe('networkOf', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:DB8:1:2::', '2001:db8:1:2::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['no address', 'no address'],
  ])('of %s is %s', (address, network) => {
    expect(networkOf(address)).toBe(network);
  });
});

describe('anonymous callers', () => {
  const limit = (): ((ip: string) => Promise<void>) => {
    const middleware = rateLimit(2);
    return (ip) =>
      middleware({ request: { ip }, state: {}, set: () => undefined } as unknown as Context, () =>
        Promise.resolve(),
      );
  };
  const limited = { code: 'rate-limited' };

  it('share a limit within an IPv6 network', async () => {
    const ask = limit();
    await ask('2001:db8:1:2::1');
    await ask('2001:db8:1:2:ffff::9');
    await expect(ask('2001:db8:1:2:3:4:5:6')).rejects.toMatchObject(limited);
    await expect(ask('2001:db8:1:3::1')).resolves.toBeUndefined();
  });

  it('are distinguished by their IPv4 addresses', async () => {
    const ask = limit();
    await ask('192.0.2.1');
    await ask('::ffff:192.0.2.1');
    await expect(ask('192.0.2.1')).rejects.toMatchObject(limited);
    await expect(ask('192.0.2.2')).resolves.toBeUndefined();
  });
});
