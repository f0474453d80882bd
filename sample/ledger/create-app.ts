import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { LedgerConfig } from './config.js';
import type { Database } from './database/database.js';
import { LedgerModule } from './ledger.module.js';

/** The application, not listening yet. It closes the database when it is closed. */
export async function createApp(
  config: LedgerConfig,
  database: Database,
): Promise<NestExpressApplication> {
  const app = await NestFactory.create<NestExpressApplication>(
    LedgerModule.forRoot(config, database),
    {
      logger: ['warn', 'error', 'fatal'],
      forceCloseConnections: true,
    },
  );
  // JSON has no bigint: cents are sent as strings, exact to the last digit.
  app.set('json replacer', (_name: string, value: unknown) =>
    typeof value === 'bigint' ? value.toString() : value,
  );
  return app;
}
