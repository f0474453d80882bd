import type { DynamicModule, INestApplication, Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';

/**
 * The application, not listening yet. It logs warnings and errors only, and closes without waiting
 * for keep-alive connections.
 */
export function createApp(module: Type | DynamicModule): Promise<INestApplication> {
  return NestFactory.create(module, {
    logger: ['warn', 'error', 'fatal'],
    forceCloseConnections: true,
  });
}
