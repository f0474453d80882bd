import { Controller, Get, Param, Post, Query, Scope } from '@nestjs/common';
import { describe, expect, it } from 'vitest';
import {
  Cacheable,
  CacheEvict,
  CacheKey,
  CachePut,
  CacheService,
  CacheTTL,
} from '../../lib/index.js';
import { listen, start } from './http-application.js';

let runs = 0;

@Controller('cats')
class Cats {
  @Get('tagged/:id')
  @Cacheable({
    ttl: '1m',
    tags: (id) => [`cat:${id}`],
    resultTags: (cat) => [`owner:${cat.owner}`],
  })
  async tagged(@Param('id') id: string): Promise<{ id: string; owner: string; run: number }> {
    return Promise.resolve({ id, owner: id === '1' ? 'ann' : 'bob', run: ++runs });
  }

  @Get('some')
  @Cacheable({ when: (kind) => kind !== 'new', unless: (cat) => cat.kind === 'secret' })
  async some(@Query('kind') kind: string): Promise<{ kind: string; run: number }> {
    return Promise.resolve({ kind, run: ++runs });
  }

  @Get('broken')
  @Cacheable({
    tags: () => {
      throw new Error('no tags today');
    },
  })
  async broken(): Promise<{ run: number }> {
    return Promise.resolve({ run: ++runs });
  }

  @Get('keyed/:id')
  @Cacheable({ ttl: '1m' })
  @CacheKey((key, id) => key.segment('cat').param('id', id.toLowerCase()))
  async keyed(@Param('id') id: string): Promise<{ id: string; run: number }> {
    return Promise.resolve({ id, run: ++runs });
  }

  @Get('twice')
  @Cacheable()
  async twice(): Promise<{ runs: number[] }> {
    // Its own decorated methods, called from code, are cached as any method.
    const one = await this.tagged('9');
    const two = await this.tagged('9');
    return { runs: [one.run, two.run] };
  }

  @Get('sum/:upto')
  @Cacheable()
  async sum(@Param('upto') upto: string): Promise<{ sum: number; run: number }> {
    const below = upto === '0' ? 0 : (await this.sum(String(Number(upto) - 1))).sum;
    return { sum: below + Number(upto), run: ++runs };
  }

  @Post('rename')
  @CacheEvict({ tags: (id) => [`cat:${id}`] })
  async rename(@Query('id') id: string): Promise<string> {
    return Promise.resolve(`renamed ${id}`);
  }

  @Post('leave')
  @CacheEvict({ tags: ['owner:bob'] })
  async leave(): Promise<string> {
    return Promise.resolve('left');
  }

  @Post('search')
  @Cacheable()
  async search(): Promise<{ run: number }> {
    return Promise.resolve({ run: ++runs });
  }
}

describe.each(['express', 'fastify'] as const)('a decorated route on %s', (platform) => {
  const open = async () => {
    runs = 0;
    const started = await start({ controllers: [Cats], platform });
    const visit = await listen(started.app);
    const run = async (path: string, init?: RequestInit): Promise<unknown> =>
      (JSON.parse((await visit(path, init)).text) as { readonly run: unknown }).run;
    return { ...started, visit, run };
  };

  it('a decorated route keeps the response, not the value as well', async () => {
    const { visit, get } = await open();
    const [one, two] = [await visit('/cats/tagged/1'), await visit('/cats/tagged/1')];
    expect(two.text).toBe(one.text);
    expect([one, two].map(({ headers }) => headers.get('cache-status'))).toEqual([
      expect.stringContaining('fwd=uri-miss'),
      expect.stringContaining('hit'),
    ]);
    expect(get(CacheService).stats().cache_fills).toBe(1);
  });

  it('a decorated route has tags from its arguments and its result', async () => {
    const { run, visit } = await open();
    expect([await run('/cats/tagged/1'), await run('/cats/tagged/2')]).toEqual([1, 2]);
    await visit('/cats/rename?id=1', { method: 'POST' });
    expect([await run('/cats/tagged/1'), await run('/cats/tagged/2')]).toEqual([3, 2]);
    await visit('/cats/leave', { method: 'POST' });
    expect([await run('/cats/tagged/1'), await run('/cats/tagged/2')]).toEqual([3, 4]);
  });

  it('a decorated route is not kept when its callbacks say so, or fail', async () => {
    const { run, lines } = await open();
    expect([await run('/cats/some?kind=old'), await run('/cats/some?kind=old')]).toEqual([1, 1]);
    expect([await run('/cats/some?kind=new'), await run('/cats/some?kind=new')]).toEqual([2, 3]);
    expect([await run('/cats/some?kind=secret'), await run('/cats/some?kind=secret')]).toEqual([
      4, 5,
    ]);
    expect([await run('/cats/broken'), await run('/cats/broken')]).toEqual([6, 7]);
    expect(lines.warnings.filter((line) => line.includes('no tags today'))).toHaveLength(1);
  });

  it('a decorated route keeps its value under a key that is made from its arguments', async () => {
    const { visit, get } = await open();
    const [one, two] = [await visit('/cats/keyed/Tom'), await visit('/cats/keyed/tom')];
    expect([one.text, two.text]).toEqual(['{"id":"Tom","run":1}', '{"id":"Tom","run":1}']);
    expect(get(CacheService).stats().cache_hits).toBe(1);
  });

  it('a decorated route is cached as any method when code calls it', async () => {
    const { visit, get } = await open();
    expect((await visit('/cats/twice')).text).toBe('{"runs":[1,1]}');
    expect([(await get(Cats).tagged('9')).run, (await get(Cats).tagged('9')).run]).toEqual([1, 1]);
  });

  it('a decorated route is cached as any method when it calls itself', async () => {
    const { run, get } = await open();
    expect([await run('/cats/sum/3'), runs]).toEqual([4, 4]);
    expect([(await get(Cats).sum('2')).run, runs]).toEqual([3, 4]);
  });

  it('a handler that evicts or puts runs although its class is cached, with a warning at start', async () => {
    let runs = 0;
    @Controller('changing')
    @Cacheable({ ttl: '1m' })
    class Changing {
      @Get()
      async find(): Promise<number> {
        return ++runs;
      }
      @Get('evict')
      @CacheEvict({ tags: ['t'] })
      async evict(): Promise<number> {
        return ++runs;
      }
      @Get('put')
      @CachePut()
      @CacheKey('put')
      @CacheTTL('2m')
      async put(): Promise<number> {
        return ++runs;
      }
      @Post('evict')
      @CacheEvict({ tags: ['t'] })
      async post(): Promise<number> {
        return ++runs;
      }
    }
    @Controller('alone')
    class Alone {
      @Get()
      @CacheEvict()
      @CacheKey('alone')
      async evict(): Promise<number> {
        return ++runs;
      }
    }
    const { app, lines, get } = await start({ controllers: [Changing, Alone] });
    const visit = await listen(app);
    const cache = get(CacheService);
    for (let i = 1; i <= 2; i++) {
      await cache.setMany([['tagged', 1]], { tags: ['t'] });
      await cache.set('alone', 1);
      const paths = ['/changing/evict', '/changing/put', '/alone'];
      const visits = [];
      for (const path of paths) visits.push(await visit(path));
      expect(visits.map(({ headers }) => headers.get('cache-status'))).toEqual([
        'nest-query-cache; fwd=bypass; detail=changes',
        'nest-query-cache; fwd=bypass; detail=changes',
        null,
      ]);
      expect([runs, await cache.getMany(['tagged', 'alone', 'put'])]).toEqual([
        i * 3,
        [undefined, undefined, i * 3 - 1],
      ]);
    }
    expect([(await visit('/changing')).text, (await visit('/changing')).text]).toEqual(['7', '7']);
    expect(lines.warnings).toEqual([
      expect.stringMatching(/Changing\.evict evicts or puts.*Put @NoCache\(\) on it/),
      expect.stringMatching(/Changing\.put evicts or puts/),
    ]);
  });

  it('a decorated route that is not a GET is not cached, with a warning at start', async () => {
    const { run, lines } = await open();
    const post = { method: 'POST' };
    expect([await run('/cats/search', post), await run('/cats/search', post)]).toEqual([1, 2]);
    expect(lines.warnings).toEqual([
      expect.stringMatching(/^Cats\.search .*not cached.*Move the decorator/),
    ]);
  });

  it('a decorated route does not keep what belongs to a request with credentials', async () => {
    const { run } = await open();
    const init = { headers: { authorization: 'Bearer ann' } };
    expect([
      await run('/cats/tagged/1', init),
      await run('/cats/tagged/1', init),
      await run('/cats/tagged/1'),
    ]).toEqual([1, 2, 3]);
  });
});

describe('a decorated route of a request-scoped controller', () => {
  it('a decorated route of a request-scoped controller keeps the response', async () => {
    let calls = 0;
    @Controller({ path: 'scoped', scope: Scope.REQUEST })
    class Scoped {
      @Get()
      @Cacheable({ tags: () => ['all'] })
      async list(): Promise<{ call: number }> {
        return Promise.resolve({ call: ++calls });
      }
    }
    const { app, get } = await start({ controllers: [Scoped] });
    const visit = await listen(app);
    expect([(await visit('/scoped')).text, (await visit('/scoped')).text]).toEqual([
      '{"call":1}',
      '{"call":1}',
    ]);
    await get(CacheService).invalidate({ tags: ['all'] });
    expect((await visit('/scoped')).text).toBe('{"call":2}');
  });
});
