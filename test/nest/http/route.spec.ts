import {
  Controller,
  Get,
  type INestApplication,
  Post,
  Req,
  type Type,
  Version,
  VERSION_NEUTRAL,
  type VersioningOptions,
  VersioningType,
} from '@nestjs/common';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Cached, PLATFORMS, startApp, type TestApp } from './support.js';

interface Asked {
  readonly url: string;
}

@Controller('prices')
class Prices {
  @Get()
  @Version('1')
  @Cached({ ttl: '1m', http: { cdn: {}, headers: ['Accept-Language'] } })
  first(): unknown {
    return { version: 1 };
  }

  @Get()
  @Version('2')
  @Cached({ ttl: '1m', http: { cdn: {} } })
  second(): unknown {
    return { version: 2 };
  }

  @Get('by-default')
  @Cached({ ttl: '1m', http: { cdn: {} } })
  byDefault(): unknown {
    return { version: 'default' };
  }

  @Get('both')
  @Version(['1', '2'])
  @Cached({ key: 'both' })
  both(@Req() { url }: Asked): unknown {
    return { url };
  }
}

interface Versioned {
  readonly headers: Readonly<Record<string, string | undefined>>;
}

/** Each handler serves several versions, and answers with the headers that may select one. */
@Controller('several')
class Several {
  @Get('list')
  @Version(['1', '2'])
  @Cached({ ttl: '1m' })
  list(@Req() { headers }: Versioned): unknown {
    return [headers['x-version'], headers.accept];
  }

  @Get('neutral')
  @Version(VERSION_NEUTRAL)
  @Cached({ ttl: '1m' })
  neutral(@Req() { headers }: Versioned): unknown {
    return [headers['x-version'], headers.accept];
  }

  @Get('by-default')
  @Cached({ ttl: '1m' })
  byDefault(@Req() { headers }: Versioned): unknown {
    return [headers['x-version'], headers.accept];
  }

  @Post('list')
  @Version(['1', '2'])
  change(): void {}
}

@Controller('paths')
class Paths {
  @Get(['a', 'b'])
  @Cached({ key: 'several' })
  several(@Req() { url }: Asked): unknown {
    return { url };
  }
}

@Controller(['here', 'there'])
class Places {
  @Get()
  @Cached({ key: 'places' })
  find(@Req() { url }: Asked): unknown {
    return { url };
  }
}

describe.each(PLATFORMS)('a cached route on %s', (platform) => {
  const open = async (
    versioning?: VersioningOptions,
    controllers: Type[] = [Prices],
  ): Promise<TestApp> => {
    const configure = (nest: INestApplication): void => {
      if (versioning !== undefined) nest.enableVersioning(versioning);
    };
    const app = await startApp(platform, controllers, { configure });
    onTestFinished(() => app.close());
    return app;
  };

  it.each<[string, VersioningOptions, (version: string) => Record<string, string>, string]>([
    [
      'a header',
      { type: VersioningType.HEADER, header: 'X-Version' },
      (version) => ({ 'x-version': version }),
      'x-version',
    ],
    [
      'the media type',
      { type: VersioningType.MEDIA_TYPE, key: 'v=' },
      (version) => ({ accept: `application/json;v=${version}` }),
      'accept',
    ],
  ])(
    'names the header in Vary when the version is in %s',
    async (_, versioning, headersOf, name) => {
      const app = await open({ ...versioning, defaultVersion: '2' });
      for (const status of ['stored', '; hit']) {
        for (const [version, vary] of [
          ['1', `accept-language, ${name}`],
          ['2', name],
        ] as const) {
          const { headers, body } = await app.get('/prices', headersOf(version));
          expect([body, headers.vary]).toEqual([`{"version":${version}}`, vary]);
          expect(headers['cache-status']).toContain(status);
        }
        expect((await app.get('/prices/by-default', headersOf('2'))).headers.vary).toBe(name);
      }
    },
  );

  it.each<[string, VersioningOptions, (version: string) => Record<string, string>]>([
    [
      'a header',
      { type: VersioningType.HEADER, header: 'X-Version' },
      (version) => ({ 'x-version': version }),
    ],
    [
      'the media type',
      { type: VersioningType.MEDIA_TYPE, key: 'v=' },
      (version) => ({ accept: `application/json;v=${version}` }),
    ],
    [
      "a place of the application's own",
      {
        type: VersioningType.CUSTOM,
        extractor: (request) => (request as Versioned).headers['x-version'] ?? '',
      },
      (version) => ({ 'x-version': version }),
    ],
  ])(
    'has a response for each version that its handler serves, with the version in %s',
    async (_, versioning, headersOf) => {
      const app = await open({ ...versioning, defaultVersion: ['1', '2'] }, [Several]);
      for (const path of ['list', 'neutral', 'by-default']) {
        for (const version of ['1', '2', '1']) {
          const sent = headersOf(version);
          const { body } = await app.get(`/several/${path}`, sent);
          expect(JSON.parse(body)).toEqual([sent['x-version'] ?? null, sent.accept ?? null]);
        }
        expect(
          (await app.get(`/several/${path}`, headersOf('2'))).headers['cache-status'],
        ).toContain('; hit');
      }
      // A change by one version concerns the resource, whose representations they all are.
      await app.send('POST', '/several/list', headersOf('1'));
      for (const version of ['1', '2']) {
        expect(
          (await app.get('/several/list', headersOf(version))).headers['cache-status'],
        ).toContain('stored');
      }
    },
  );

  it('adds no Vary for a version in the path', async () => {
    const app = await open({ type: VersioningType.URI });
    const { headers } = await app.get('/v2/prices');
    expect([headers.vary, headers['cdn-cache-control']]).toEqual([undefined, 'max-age=60']);
  });

  it('forbids the CDN to store a response with a custom version', async () => {
    const extractor = (request: unknown): string =>
      String((request as { headers: Record<string, string> }).headers['x-api']);
    const app = await open({ type: VersioningType.CUSTOM, extractor });
    for (const version of ['1', '2', '1', '2']) {
      const { headers, body } = await app.get('/prices', { 'x-api': version });
      expect([body, headers['cdn-cache-control']]).toEqual([`{"version":${version}}`, 'no-store']);
    }
  });

  it('stores a response per path for one key and several paths', async () => {
    const app = await open({ type: VersioningType.URI }, [Prices, Paths, Places]);
    for (const status of ['stored', '; hit']) {
      for (const path of [
        '/paths/a',
        '/paths/b',
        '/here',
        '/there',
        '/v1/prices/both',
        '/v2/prices/both',
      ]) {
        const { body, headers } = await app.get(path);
        expect(body).toBe(`{"url":"${path}"}`);
        expect(headers['cache-status']).toContain(status);
      }
    }
  });
});
