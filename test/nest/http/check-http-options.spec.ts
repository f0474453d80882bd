import { Controller, Get } from '@nestjs/common';
import { describe, expect, it } from 'vitest';
import { Cacheable, CacheModule } from '../../../lib/index.js';
import { listen, start } from '../http-application.js';

const ALICE = { headers: { authorization: 'Bearer alice' } };

let runs = 0;

describe('options of http', () => {
  it.each<[object, RegExp]>([
    [
      { principle: () => 'x' },
      /^@Cacheable on Routes\.find: unknown option http\.principle\. Options of http are: cacheControl, .*tags\.$/,
    ],
    [{ toString: () => 'x' }, /unknown option http\.toString/],
    [
      { credentials: 'none' },
      /http\.credentials must be 'bypass' or 'standard' or 'ignore'; got "none"/,
    ],
    [{ principal: 'user' }, /http\.principal must be a function of the request; got "user"/],
    [
      { headers: 'accept' },
      /http\.headers must be a list of names of request headers; got "accept"/,
    ],
    [{ headers: ['*'] }, /http\.headers must be a list of names of request headers; got object/],
    [
      { credentialHeaders: ['x-key\r\n'] },
      /http\.credentialHeaders must be a list of names of request headers/,
    ],
    [{ query: [''] }, /http\.query must be a list of texts/],
    [
      { statuses: [20] },
      /http\.statuses must be a list of statuses from 200 to 599, without 206 and 304, which are never stored; got object/,
    ],
    [{ statuses: [200, 304] }, /http\.statuses must be/],
    [{ host: 'yes' }, /http\.host must be true or false; got "yes"/],
    [{ cdn: true }, /http\.cdn must be an object; got boolean/],
    [
      { cdn: { maxage: '1m' } },
      /^@Cacheable on Routes\.find: Unknown option of http\.cdn "maxage"/,
    ],
    [
      { principal: () => 'ann', cacheControl: 'public' },
      /http\.principal makes an answer for each.*cacheControl: 'private'/,
    ],
    [
      { headers: ['Authorization'], cacheControl: 'public' },
      /http\.headers makes an answer for each who asks by authorization/,
    ],
    [
      { headers: ['x-token'], credentialHeaders: ['X-Token'], cacheControl: 'public' },
      /for each who asks by x-token/,
    ],
  ])('rejects invalid options when the class is defined: %j', (http, message) => {
    const define = (): unknown => {
      class Routes {
        @Cacheable({ http })
        async find(): Promise<number> {
          return 1;
        }
      }
      return Routes;
    };
    expect(define).toThrow(message);
    expect(define).toThrow(expect.objectContaining({ code: 'CACHE_CONFIG' }) as Error);
  });

  it.each([
    { key: 'k' },
    { name: 'n' },
    { tags: () => ['t'] },
    { resultTags: () => ['t'] },
    { when: () => true },
    { unless: () => false },
  ])('rejects options of a single method on a class: %o', (options) => {
    const [name = ''] = Object.keys(options);
    const define = (): void => {
      Cacheable(options as object)(class Routes {});
    };
    expect(define).toThrow(
      `@Cacheable is on the class Routes with the option ${name}, which belongs to one method.`,
    );
    expect(define).toThrow(expect.objectContaining({ code: 'CACHE_DECORATOR' }) as Error);
  });

  it('combines the options of a class and its method', async () => {
    runs = 0;
    @Controller('both')
    @Cacheable({
      ttl: '1m',
      http: {
        query: ['page'],
        principal: ({ headers }) => headers.authorization as string | undefined,
      },
    })
    class Both {
      @Cacheable({ http: { etag: false } })
      @Get()
      async find(): Promise<{ run: number }> {
        return { run: ++runs };
      }
    }
    const { app } = await start({
      controllers: [Both],
      platform: 'fastify',
      imports: [CacheModule.forRoot({ name: 'other' })],
    });
    const visit = await listen(app);
    const [alice, again, bob] = [
      await visit('/both?x=1', ALICE),
      await visit('/both', ALICE),
      await visit('/both'),
    ];
    expect([alice.text, again.text, bob.text]).toEqual(['{"run":1}', '{"run":1}', '{"run":2}']);
    expect(again.headers.get('etag')).toBeNull();
  });
});
