import type { Core } from '@strapi/strapi';
import type { Logger } from '../../plugin/src/logger';
import { PLUGIN_ID } from './plugin-id';

/** Strapi's log, in which the plugin's lines begin with its id. */
export function prefixedLogger({ log }: Core.Strapi): Logger {
  const say = (message: string): string => `[${PLUGIN_ID}] ${message}`;
  return {
    debug: (message) => void log.debug(say(message)),
    info: (message) => void log.info(say(message)),
    warn: (message) => void log.warn(say(message)),
    error: (message) => void log.error(say(message)),
  };
}
