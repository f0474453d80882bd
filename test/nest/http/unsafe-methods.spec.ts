import {
  ConflictException,
  Controller,
  Delete,
  Get,
  Headers,
  Module,
  Param,
  Patch,
  Post,
  Put,
  VersioningType,
} from '@nestjs/common';
import { RouterModule } from '@nestjs/core';
import { describe, expect, it } from 'vitest';
import { Cacheable, CacheKey, CacheService } from '../../../lib/index.js';
import { listen, start } from '../http-application.js';

let runs = 0;
const run = async (): Promise<{ run: number }> => ({ run: ++runs });

/** Everything opted in, by the class. */
@Controller('a')
@Cacheable({ ttl: '1m' })
class Whole {
  @Get('featured')
  async findFeatured(): Promise<object> {
    return run();
  }
  @Get(':id')
  async find(): Promise<object> {
    return run();
  }
  @Put(':id')
  async put(): Promise<object> {
    return {};
  }
}

/** Only what is stored opted in. */
@Controller('b')
class Reading {
  @Get('language')
  @Cacheable({ ttl: '1m', http: { headers: ['accept-language'] } })
  async language(@Headers('accept-language') _language: string): Promise<object> {
    return run();
  }
  @Get('kept/:id')
  @Cacheable({ ttl: '1m', http: { invalidate: false } })
  async kept(): Promise<object> {
    return run();
  }
  @Get('fixed')
  @CacheKey('fixed')
  async fixed(): Promise<object> {
    return run();
  }
  @Get(':id/parts/:part')
  @Cacheable({ ttl: '1m' })
  async part(): Promise<object> {
    return run();
  }
  @Get(':id')
  @Cacheable({ ttl: '1m' })
  async find(): Promise<object> {
    return run();
  }
  @Put(':id')
  async put(@Param('id') id: string): Promise<object> {
    if (id === 'taken') throw new ConflictException();
    return {};
  }
  @Delete('kept/:id')
  async deleteKept(): Promise<object> {
    return {};
  }
}

@Controller('b')
class Elsewhere {
  @Patch(':id/parts/:part')
  async patch(): Promise<object> {
    return {};
  }
  @Post('other')
  async other(): Promise<object> {
    return {};
  }
}

/** An opt-in that says what its method does to what is stored. */
@Controller('c')
class Said {
  @Get('me')
  @Cacheable({ ttl: '1m' })
  async me(): Promise<object> {
    return run();
  }
  @Get(':id')
  @Cacheable({ ttl: '1m' })
  async find(): Promise<object> {
    return run();
  }
  @Put('me')
  @Cacheable()
  async put(): Promise<object> {
    return {};
  }
  @Post(':id')
  @Cacheable({ http: { invalidate: false } })
  async post(): Promise<object> {
    return {};
  }
}

describe.each(['express', 'fastify'] as const)('a change at a URI on %s', (platform) => {
  const open = async (more: Partial<Parameters<typeof start>[0]> = {}, prefix = '') => {
    runs = 0;
    const started = await start({
      platform,
      controllers: [Whole, Reading, Elsewhere, Said],
      ...more,
    });
    const visit = await listen(started.app);
    /** Is what was stored of the path still there after the request? */
    const survives = async (method: string, path: string, at = path): Promise<boolean> => {
      await visit(prefix + path);
      await visit(prefix + at, { method });
      return (await visit(prefix + path)).headers.get('cache-status')?.includes('; hit') ?? false;
    };
    return { ...started, visit, survives };
  };

  it.each([
    ['PUT', '/a/featured'],
    ['PUT', '/a/1'],
    ['PUT', '/b/1'],
    ['PUT', '/b/language'],
    ['PUT', '/b/fixed'],
    ['PATCH', '/b/1/parts/2'],
    ['PUT', '/c/me'],
    ['PUT', '/b/%C3%A4'],
  ])(
    'invalidates by %s %s what is stored of the URI, whichever handlers opted in',
    async (method, path) => {
      const { survives } = await open();
      expect(await survives(method, path)).toBe(false);
    },
  );

  it('invalidates nothing of other URIs, of routes that opted out, or after a failure', async () => {
    const { survives } = await open();
    expect(await survives('PUT', '/b/1', '/b/2')).toBe(true);
    expect(await survives('PUT', '/b/1', '/b/taken')).toBe(true);
    expect(await survives('PUT', '/b/taken')).toBe(true);
    expect(await survives('DELETE', '/b/kept/1')).toBe(true);
    expect(await survives('POST', '/c/1')).toBe(true);
    expect(await survives('POST', '/c/1', '/c/2')).toBe(true);
  });

  it('does not call the cache where no route stores responses', async () => {
    const { visit, get } = await open({ controllers: [Elsewhere, Said] });
    const before = get(CacheService).stats();
    await visit('/b/other', { method: 'POST' });
    expect(get(CacheService).stats()).toEqual(before);
  });

  it('invalidates without an opt-in of its route and without a warning', async () => {
    const { lines } = await open();
    expect(lines.warnings).toEqual([]);
  });

  it.each(['/api/v1', '/v1'])(
    'finds the cached routes behind prefixes and versions: %s',
    async (prefix) => {
      const { survives } = await open(
        {
          configure: (app) => {
            if (prefix.startsWith('/api')) app.setGlobalPrefix('api');
            app.enableVersioning({ type: VersioningType.URI, defaultVersion: '1' });
          },
        },
        prefix,
      );
      for (const path of ['/a/featured', '/b/1', '/b/language'])
        expect(await survives('PUT', path), path).toBe(false);
      expect(await survives('PUT', '/b/1', '/b/2')).toBe(true);
    },
  );

  it('finds the cached routes of modules with a path', async () => {
    @Controller()
    class Root {
      @Get(':id')
      @Cacheable({ ttl: '1m' })
      async find(): Promise<object> {
        return run();
      }
    }
    @Controller('shop')
    class Changing {
      @Put(':id')
      async put(): Promise<object> {
        return {};
      }
    }
    @Module({ controllers: [Root] })
    class Shop {}
    const { survives } = await open({
      controllers: [Changing],
      imports: [Shop, RouterModule.register([{ path: 'shop', module: Shop }])],
    });
    expect(await survives('PUT', '/shop/1')).toBe(false);
    expect(await survives('PUT', '/shop/1', '/shop/2')).toBe(true);
  });
});

describe('on express, a change', () => {
  it('invalidates what wildcard routes have stored', async () => {
    @Controller('e')
    class Wild {
      @Get('*path')
      @Cacheable({ ttl: '1m' })
      async find(): Promise<object> {
        return run();
      }
      @Put('x/:id')
      async put(): Promise<object> {
        return {};
      }
    }
    const { app } = await start({ controllers: [Wild] });
    const visit = await listen(app);
    await visit('/e/x/1');
    await visit('/e/x/1', { method: 'PUT' });
    expect((await visit('/e/x/1')).headers.get('cache-status')).toContain('fwd=uri-miss');
  });
});
