import { once } from 'node:events';
import type { IncomingHttpHeaders } from 'node:http';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import { createQueryFetch } from '../../../plugin/src/network/guarded-fetch';
import { expectFetchFailure, fetchFrom, image, secret } from '../../support/downloads';
import { PUBLIC_ADDRESS, setUpInternet } from '../../support/played-internet';

const internet = setUpInternet();

const privateAddresses = [
  '127.0.0.1',
  '0.0.0.0',
  '10.0.0.1',
  '172.16.0.1',
  '192.168.1.1',
  '100.64.0.1',
  '169.254.169.254',
  '192.0.2.1',
  '198.18.0.1',
  '198.51.100.1',
  '203.0.113.1',
  '224.0.0.1',
  '240.0.0.1',
  '255.255.255.255',
  '::1',
  '::',
  '::ffff:127.0.0.1',
  '::127.0.0.1',
  '64:ff9b::7f00:1',
  '64:ff9b:1::7f00:1',
  '2001::7f00:1',
  '2001:db8::1',
  '2002:7f00:1::',
  '3fff::1',
  'fc00::1',
  'fd00:ec2::254',
  'fe80::1',
  'fec0::1',
  'ff02::1',
];
const toHost = (address: string): string => (address.includes(':') ? `[${address}]` : address);

/** Spellings of 127.0.0.1 and of hosts that only look public. */
const oddHosts = [
  '2130706433',
  '0x7f000001',
  '0x7f.1',
  '017700000001',
  '0177.0.0.1',
  '127.1',
  '127.0.0.1.',
  '127.0.0.1%2e',
  '127%2e0%2e0%2e1',
  '①②⑦.0.0.1',
  '127。0。0。1',
  '[::ffff:7f00:1]',
];

/** Headers only accept these ASCII characters. */
const toHeader = (url: string): string => url.replace(/[^\x20-\x7e]/g, encodeURIComponent);

function redirect(path: string, url: string): void {
  const location = toHeader(url);
  internet.publicServer.on(path, (_request, response) => {
    response.writeHead(302, { location, 'set-cookie': 'session=1' }).end('moved');
  });
}

async function expectRefused(url: string): Promise<void> {
  await expectFetchFailure(fetchFrom(internet.fetch, url), 'refused');
  expect(internet.privateServer.requests).toEqual([]);
}

describe('a public server', () => {
  it('is reached by its address and by its name', async () => {
    internet.setName('images.example', [PUBLIC_ADDRESS]);
    for (const host of [PUBLIC_ADDRESS, 'images.example', 'IMAGES.example']) {
      const bytes = await fetchFrom(internet.fetch, internet.url(host));
      expect(Buffer.from(bytes)).toEqual(image);
    }
    expect(internet.publicServer.requests).toEqual(['/image', '/image', '/image']);
  });

  it("learns only the plugin's name, even if it sets cookies", async () => {
    const seen: IncomingHttpHeaders[] = [];
    internet.publicServer.on('/image', (request, response) => {
      seen.push(request.headers);
      response.setHeader('set-cookie', 'session=1').end(image);
    });
    redirect('/old', '/image');
    await fetchFrom(internet.fetch, internet.url(PUBLIC_ADDRESS));
    await fetchFrom(internet.fetch, internet.url(PUBLIC_ADDRESS, '/old'));
    const headers = {
      host: `${PUBLIC_ADDRESS}:${String(internet.publicServer.port)}`,
      connection: 'keep-alive',
      'user-agent': 'strapi-plugin-image-search',
      accept: 'image/*',
      'accept-encoding': 'identity',
    };
    expect(seen).toEqual([headers, headers]);
  });

  it('is only reached on standard ports', async () => {
    const fetch = createQueryFetch({ allowedHosts: [], isPublic: () => true });
    for (const port of [internet.publicServer.port, 22, 6379, 8080]) {
      await expectFetchFailure(
        fetchFrom(fetch, `http://${PUBLIC_ADDRESS}:${String(port)}/image`),
        'refused',
      );
    }
    redirect('/old', `http://${PUBLIC_ADDRESS}:22/`);
    await expectRefused(internet.url(PUBLIC_ADDRESS, '/old'));
    await fetch.dispose();
  });

  it('is not reached with a user name or password', async () => {
    for (const user of ['name', 'name:password', ':password']) {
      await expectRefused(internet.url(`${user}@${PUBLIC_ADDRESS}`));
      redirect('/old', internet.url(`${user}@${PUBLIC_ADDRESS}`));
      await expectRefused(internet.url(PUBLIC_ADDRESS, '/old'));
    }
  });
});

describe('a private address', () => {
  it.each([...privateAddresses.map(toHost), ...oddHosts])('is refused as %s', async (host) => {
    await expectFetchFailure(fetchFrom(internet.fetch, internet.url(host)), 'refused');
    expect(internet.privateServer.requests).toEqual([]);
    expect(internet.lookups).toEqual([]);
  });

  it.each([
    '127.0.0.1#@public.example',
    '127.0.0.1?@public.example',
    '127.0.0.1\\@public.example',
    'public.example@127.0.0.1',
    '127.0.0.1/@public.example',
    '\t127.0.0.1\n',
  ])('is refused as %j', async (host) => {
    internet.setName('public.example', [PUBLIC_ADDRESS]);
    const { port } = internet.privateServer;
    const url = `http://${host.replace('127.0.0.1', `127.0.0.1:${String(port)}`)}/image`;
    await expectRefused(url);
  });

  it.each([...privateAddresses.map(toHost), ...oddHosts])(
    'is refused after a redirect to %s',
    async (host) => {
      redirect('/old', internet.url(host));
      await expectRefused(internet.url(PUBLIC_ADDRESS, '/old'));
      expect(internet.publicServer.requests).toEqual(['/old']);
    },
  );

  it.each(privateAddresses)('is refused for a name that resolves to %s', async (address) => {
    internet.setName('inside.example', [address]);
    internet.setName('both.example', [PUBLIC_ADDRESS, address]);
    for (const host of ['inside.example', 'both.example']) {
      await expectRefused(internet.url(host));
      redirect('/old', internet.url(host));
      await expectRefused(internet.url(PUBLIC_ADDRESS, '/old'));
    }
    expect(internet.publicServer.requests).toEqual(['/old', '/old']);
  });
});

describe('a name whose address changes', () => {
  it('is resolved once, and the checked address is used', async () => {
    internet.setName('rebind.example', [PUBLIC_ADDRESS], ['127.0.0.1']);
    await fetchFrom(internet.fetch, internet.url('rebind.example'));
    expect(internet.lookups).toEqual(['rebind.example']);
    expect(internet.publicServer.requests).toEqual(['/image']);
    expect(internet.privateServer.requests).toEqual([]);
  });

  it('is refused at its second lookup', async () => {
    internet.setName('rebind.example', [PUBLIC_ADDRESS], ['127.0.0.1']);
    internet.publicServer.on('/old', (_request, response) => {
      const location = internet.url('rebind.example');
      response.writeHead(302, { location, connection: 'close' }).end();
    });
    await expectRefused(internet.url('rebind.example', '/old'));
    expect(internet.lookups).toEqual(['rebind.example', 'rebind.example']);
    expect(internet.publicServer.requests).toEqual(['/old']);
  });
});

describe('a response', () => {
  it.each([
    'image/png',
    'IMAGE/JPEG',
    'image/svg+xml; charset=utf-8',
    'application/octet-stream',
    'binary/octet-stream',
    '',
  ])('is read when its type is %j', async (type) => {
    internet.publicServer.on('/typed', (_request, response) => {
      response.setHeader('content-type', type).end(image);
    });
    const bytes = await fetchFrom(internet.fetch, internet.url(PUBLIC_ADDRESS, '/typed'));
    expect(Buffer.from(bytes)).toEqual(image);
  });

  it.each(['text/html', 'application/json; charset=utf-8', 'text/plain', 'imagery/png', 'image'])(
    'is not read if its type is %j',
    async (type) => {
      internet.publicServer.on('/typed', (_request, response) => {
        response.setHeader('content-type', type);
        // It would never end.
        response.write(secret);
      });
      const work = fetchFrom(internet.fetch, internet.url(PUBLIC_ADDRESS, '/typed'));
      await expectFetchFailure(work, 'wrong-type');
    },
  );

  it('is counted as sent and never decompressed', async () => {
    const packed = gzipSync(Buffer.alloc(500_000));
    expect(packed.length).toBeLessThan(1_000);
    internet.publicServer.on('/packed', (_request, response) => {
      response.setHeader('content-encoding', 'gzip').end(packed);
    });
    const bytes = await fetchFrom(internet.fetch, internet.url(PUBLIC_ADDRESS, '/packed'));
    expect(Buffer.from(bytes)).toEqual(packed);
  });

  it.each([100, 1_000_000_000])('can be shorter than the declared %d bytes', async (length) => {
    internet.publicServer.on('/short', (_request, response) => {
      response.writeHead(200, { 'content-length': String(length) });
      response.write('short', () => response.destroy());
    });
    const work = fetchFrom(internet.fetch, internet.url(PUBLIC_ADDRESS, '/short'));
    await expectFetchFailure(work, 'unreachable');
  });

  it('times out even if it arrives byte by byte, and a redirect does not restart the timeout', async () => {
    internet.publicServer.on('/drip', (_request, response) => {
      response.writeHead(200);
      const dripping = setInterval(() => response.write('.'), 5);
      response.on('close', () => {
        clearInterval(dripping);
      });
    });
    internet.publicServer.on('/slow', (_request, response) => {
      response.writeHead(302, { location: '/drip' });
      // The rest of the redirect never arrives and isn't awaited.
      response.write('moved');
    });
    for (const path of ['/drip', '/slow']) {
      const work = fetchFrom(internet.fetch, internet.url(PUBLIC_ADDRESS, path), {
        timeoutMs: 100,
      });
      expect(await expectFetchFailure(work, 'unreachable')).toContain('0.1 s');
    }
    expect(internet.publicServer.requests).toEqual(['/drip', '/slow', '/drip']);
  });

  it('is aborted when the caller disconnects', async () => {
    const controller = new AbortController();
    const left = new Promise<void>((resolve) => {
      internet.publicServer.on('/stalled', (_request, response) => {
        response.writeHead(200);
        response.write('some', () => {
          controller.abort(new Error('gone'));
        });
        void once(response, 'close').then(() => {
          resolve();
        });
      });
    });
    const { signal } = controller;
    const work = fetchFrom(internet.fetch, internet.url(PUBLIC_ADDRESS, '/stalled'), { signal });
    await expect(work).rejects.toThrow('gone');
    await left;
  });

  it('is aborted on disposal', async () => {
    const begun = new Promise<void>((resolve) => {
      internet.publicServer.on('/stalled', (_request, response) => {
        response.writeHead(200);
        response.write('some', () => {
          resolve();
        });
      });
    });
    const work = fetchFrom(internet.fetch, internet.url(PUBLIC_ADDRESS, '/stalled'));
    const failure = expectFetchFailure(work, 'unreachable');
    await begun;
    await internet.fetch.dispose();
    await failure;
  });
});
