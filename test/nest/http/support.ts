import { Agent, request, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  type INestApplication,
  type NestApplicationOptions,
  type Provider,
  SetMetadata,
  type Type,
} from '@nestjs/common';
import { APP_INTERCEPTOR } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { CacheInterceptor } from '../../../lib/nest/http/interceptor.js';
import type { HttpCacheOptions, RouteCacheOptions } from '../../../lib/nest/http/options.js';
import { HTTP_CACHE_SOURCE, type HttpCacheSource } from '../../../lib/nest/http/response-cache.js';
import type { CacheService } from '../../../lib/core/cache.js';
import type { CacheOptions } from '../../../lib/core/options/types.js';
import { createCache } from '../../../lib/create-cache.js';

export const PLATFORMS = ['express', 'fastify'] as const;
export type Platform = (typeof PLATFORMS)[number];

export function adapterFor(platform: Platform): FastifyAdapter | ExpressAdapter {
  return platform === 'fastify' ? new FastifyAdapter() : new ExpressAdapter();
}

type RouteOptions = Partial<RouteCacheOptions>;

/** Opts a route or controller in, without the decorators of the library. */
export const Cached = (options: RouteOptions & { http?: HttpCacheOptions } = {}) =>
  SetMetadata('test:cached', options);

export interface TestApp {
  readonly app: INestApplication;
  readonly port: number;
  readonly cache: CacheService;
  get(path: string, headers?: Record<string, string>): Promise<Answer>;
  send(
    method: string,
    path: string,
    headers?: Record<string, string>,
    body?: string,
  ): Promise<Answer>;
  close(): Promise<void>;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export async function startApp(
  platform: Platform,
  controllers: Type[],
  options: {
    configure?: (app: INestApplication) => void | Promise<void>;
    providers?: Provider[];
    cached?: boolean;
    bodyParser?: boolean;
    cache?: CacheOptions;
    adapter?: FastifyAdapter;
  } = {},
): Promise<TestApp> {
  const cache = createCache({ jitter: 0, ...options.cache });
  const source: HttpCacheSource = {
    routeOptions: (controller, handler) => {
      const found = (Reflect.getMetadata('test:cached', handler) ??
        Reflect.getMetadata('test:cached', controller)) as RouteOptions | undefined;
      const segment = `${(controller as Type).name}.${(handler as Type).name}`;
      return found === undefined ? undefined : { cache: 'default', segment, ...found };
    },
    cache: () => cache,
  };
  const interceptor =
    options.cached === false
      ? []
      : [CacheInterceptor, { provide: APP_INTERCEPTOR, useExisting: CacheInterceptor }];
  const providers = [
    { provide: HTTP_CACHE_SOURCE, useValue: source },
    ...interceptor,
    ...(options.providers ?? []),
  ];
  const testing = await Test.createTestingModule({ controllers, providers }).compile();
  const { bodyParser = true } = options;
  const adapter = options.adapter ?? adapterFor(platform);
  const settings = Object.assign(Object.create(null) as NestApplicationOptions, {
    bodyParser,
    logger: false,
  });
  const app = testing.createNestApplication(adapter, settings);
  await options.configure?.(app);
  if (options.cached !== false) app.get(CacheInterceptor).checkRoutes();
  await app.listen(0, '127.0.0.1');
  const { port } = (app.getHttpServer() as { address(): AddressInfo }).address();
  const agent = new Agent({ keepAlive: true });
  const send: TestApp['send'] = (method, path, headers, body) =>
    sendRequest(agent, port, method, path, headers, body);
  return {
    app,
    port,
    cache,
    send,
    get: (path, headers) => send('GET', path, headers),
    close: async () => {
      agent.destroy();
      await app.close();
      await cache.close();
    },
  };
}

function sendRequest(
  agent: Agent,
  port: number,
  method: string,
  path: string,
  headers: Record<string, string> = {},
  body?: string,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request({ agent, host: '127.0.0.1', port, method, path, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: Buffer.concat(chunks).toString('utf8'),
        });
      });
    });
    sent.on('error', reject);
    sent.end(body);
  });
}
