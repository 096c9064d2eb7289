/** Where the engine says what it does. Strapi's own logger fits; messages carry no secret, vector or image bytes. */
export interface Logger {
  debug(message: string): void;
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}
