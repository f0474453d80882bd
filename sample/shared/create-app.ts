import type { DynamicModule, INestApplication, Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';

/** The application, not yet listening. It logs warnings and errors only, and does not wait for connections that are kept alive when it closes. */
export function createApp(module: Type | DynamicModule): Promise<INestApplication> {
  return NestFactory.create(module, {
    logger: ['warn', 'error', 'fatal'],
    forceCloseConnections: true,
  });
}
