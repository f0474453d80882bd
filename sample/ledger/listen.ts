import type { INestApplication } from '@nestjs/common';

const FIRST_PORT = 3000;
const LAST_PORT = 3020;

/**
 * Listens on this machine only, on the requested port or the first free one from 3000. Returns the
 * address.
 */
export async function listen(app: INestApplication, port?: number): Promise<string> {
  if (port !== undefined) {
    await app.listen(port, '127.0.0.1');
    return app.getUrl();
  }
  for (let candidate = FIRST_PORT; candidate <= LAST_PORT; candidate++) {
    try {
      await app.listen(candidate, '127.0.0.1');
      return await app.getUrl();
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')) throw error;
    }
  }
  throw new Error(
    `The ports ${FIRST_PORT} to ${LAST_PORT} are all taken. Choose another one: PORT=4000 npm start`,
  );
}
