import type { AddressInfo } from 'node:net';
import {
  type Abstract,
  type INestApplication,
  type LoggerService,
  Module,
  type ModuleMetadata,
  type NestApplicationOptions,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { onTestFinished } from 'vitest';
import { CacheModule, type CacheModuleOptions } from '../../lib/index.js';

/** Keeps what an application logs as warning or error. */
export class Lines implements LoggerService {
  readonly warnings: string[] = [];
  readonly errors: string[] = [];
  log(): void {}
  verbose(): void {}
  debug(): void {}
  warn(line: unknown): void {
    this.warnings.push(String(line));
  }
  error(line: unknown): void {
    this.errors.push(String(line));
  }
}

export interface Started {
  readonly app: INestApplication;
  readonly lines: Lines;
  get<T>(token: Abstract<T>): T;
}

/**
 * A real application with the default cache (unless `cache` is false); closed when the test ends.
 */
export async function start(
  metadata: ModuleMetadata & {
    cache?: CacheModuleOptions | false;
    platform?: 'express' | 'fastify';
    configure?: (app: INestApplication) => void;
  },
): Promise<Started> {
  const { cache = {}, platform = 'express', configure, ...rest } = metadata;
  const imports = [
    ...(cache === false ? [] : [CacheModule.forRoot({ jitter: 0, ...cache })]),
    ...(rest.imports ?? []),
  ];
  @Module({ ...rest, imports })
  class Root {}
  const lines = new Lines();
  const options = Object.assign(Object.create(null) as NestApplicationOptions, {
    logger: lines,
    abortOnError: false,
  });
  const app =
    platform === 'fastify'
      ? await NestFactory.create(Root, new FastifyAdapter(), options)
      : await NestFactory.create(Root, options);
  onTestFinished(() => app.close());
  configure?.(app);
  await app.init();
  return { app, lines, get: (token) => app.get(token, { strict: false }) };
}

export interface Visit {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** Listens on a free loopback port. */
export async function listen(
  app: INestApplication,
): Promise<(path: string, init?: RequestInit) => Promise<Visit>> {
  await app.listen(0, '127.0.0.1');
  const { port } = (app.getHttpServer() as { address(): AddressInfo }).address();
  return async (path, init) => {
    const response = await fetch(`http://127.0.0.1:${String(port)}${path}`, init);
    return { status: response.status, headers: response.headers, text: await response.text() };
  };
}
