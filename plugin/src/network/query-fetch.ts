import type { GuardedFetch } from './contract';
import { createGuardedFetch, type GuardedFetchOptions } from './guarded-fetch';
import { createDnsResolver } from './host-addresses';

const USUAL_PORTS = [80, 443];
/** Servers that do not know what they have send it as bytes. */
const PLAIN_BYTES: readonly string[] = ['application/octet-stream', 'binary/octet-stream'];

/**
 * Downloads pictures from addresses that strangers choose. Nothing of this server goes along but its name, and nothing
 * is unpacked on the way.
 *
 * @param options.allowedHosts strangers may ask these wherever they lie
 */
export function createQueryFetch(
  options: Pick<GuardedFetchOptions, 'allowedHosts' | 'resolve' | 'isPublic' | 'ports'>,
): GuardedFetch {
  const { allowedHosts, resolve = createDnsResolver(), isPublic, ports = USUAL_PORTS } = options;
  return createGuardedFetch({
    allowedHosts,
    ports,
    resolve,
    ...(isPublic && { isPublic }),
    headers: {
      'user-agent': 'strapi-plugin-image-search',
      accept: 'image/*',
      'accept-encoding': 'identity',
    },
    acceptsType: (mediaType) => mediaType.startsWith('image/') || PLAIN_BYTES.includes(mediaType),
  });
}
