import { Controller, Get } from '@nestjs/common';
import { describe, expect, it } from 'vitest';
import { CacheModule } from '../../../lib/index.js';
import { Cacheable } from '../../../lib/nest/decorators/cacheable.js';
import type { HttpCacheOptions } from '../../../lib/nest/http/options.js';
import { messageOf, type Row, rowsOf, type WrongValues } from '../../core/options/wrong-values.js';
import { listen, start } from '../http-application.js';

const ALICE = { headers: { authorization: 'Bearer alice' } };

let runs = 0;

const CALLBACK = 'a function of the request';
const HEADERS = 'an array of names of request headers';
const KNOWN_INPUTS =
  "an array of inputs as the warning at start names them, such as '@Req()' or 'parameter 1'";
const FLAG = 'true or false';
const STATUSES =
  'an array of statuses from 200 to 599, without 206 and 304, which are never stored';
const WRONG_HTTP_OPTIONS: WrongValues<HttpCacheOptions> = {
  query: ['an array of strings that are not empty', 'page', [''], [5]],
  headers: [HEADERS, 'accept', ['*'], [''], ['a b']],
  host: [FLAG, 'yes'],
  principal: [CALLBACK, 'user'],
  credentialHeaders: [HEADERS, ['x-key\r\n'], ['*']],
  knownInputs: [KNOWN_INPUTS, '@Req()', ['req'], ['@Body()'], ['parameter 0'], ["@Headers('')"]],
  credentials: ["'bypass' or 'standard' or 'ignore' or 'in-key'", 'none'],
  statuses: [STATUSES, 200, [20], [200, 304], [206], [600], ['200']],
  freshness: ["'route' or 'response'", 'none'],
  clientBypass: ["'never' or 'conditional' or 'always'", true, 'ignore'],
  cacheControl: ["'public' or 'private'", 'no-store'],
  cdn: ["an object such as { maxAge: '1h' }", true, []],
  tags: [CALLBACK, ['a']],
  etag: [FLAG, 'weak'],
  invalidate: [FLAG, 'yes'],
};

describe('options of http', () => {
  it.each<Row>([
    ...rowsOf(WRONG_HTTP_OPTIONS).map(([http, message]): Row => [http, `http.${message}`]),
    [{ principle: () => 'x' }, 'Unknown option of http "principle". Options are: cacheControl, '],
    [{ toString: () => 'x' }, 'Unknown option of http "toString".'],
    [{ headers: ['*'] }, '; got an array with something else in it.'],
    [{ cdn: { maxage: '1m' } }, 'Unknown option of http.cdn "maxage". Options are: maxAge, tags, '],
    [{ cdn: { maxAge: 999 } }, 'http.cdn.maxAge must be at least 1000 ms; got 999 ms.'],
    [{ cdn: { tags: 'x-keys' } }, "http.cdn.tags must be 'surrogate-key' or 'cache-tag'; got"],
    [{ cdn: { tenants: 'all' } }, "http.cdn.tenants must be 'refuse' or 'by-url'; got"],
    [
      { principal: () => 'ann', cacheControl: 'public' },
      "http.principal makes a response for each principal, and http.cacheControl: 'public' lets " +
        "shared caches give it to others. Use cacheControl: 'private'.",
    ],
    [
      { headers: ['Authorization'], cacheControl: 'public' },
      'http.headers makes a response for each principal by authorization, and',
    ],
    [
      { headers: ['x-token'], credentialHeaders: ['X-Token'], cacheControl: 'public' },
      'http.headers makes a response for each principal by x-token, and',
    ],
  ])('%j are refused when the class is defined: %s', (http, message) => {
    const define = (): unknown => {
      class Routes {
        @Cacheable({ http: http as never })
        async find(): Promise<number> {
          return 1;
        }
      }
      return Routes;
    };
    const error = messageOf(define);
    expect(error).toMatch(/^@Cacheable on Routes\.find: /);
    expect(error).toContain(message);
  });

  it.each([
    { key: 'k' },
    { instanceKey: () => 'eu' },
    { ignoreArguments: true },
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
