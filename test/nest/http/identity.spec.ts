import {
  type CanActivate,
  Controller,
  type ExecutionContext,
  Get,
  Injectable,
  Req,
  UseGuards,
} from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { describe, expect, it } from 'vitest';
import { Cacheable } from '../../../lib/index.js';
import { listen, start } from '../http-application.js';

interface Asking {
  headers: Record<string, string | undefined>;
  socket: { authorized?: boolean };
  user?: unknown;
  raw?: { user?: unknown };
}
/** On Fastify, middleware sees the raw request. */
const userOf = (request: Asking): unknown => request.user ?? request.raw?.user ?? 'nobody';

/** Knows its users by any header; lets others in as nobody. */
@Injectable()
class AnyHeader implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<Asking>();
    const { 'x-user': name, 'x-api-key': key } = request.headers;
    request.user = name ?? key ?? null;
    return true;
  }
}

@Controller('guarded')
@UseGuards(AnyHeader)
class Guarded {
  @Get('bypass')
  @Cacheable({ ttl: '1m', http: { credentials: 'bypass' } })
  async bypass(@Req() request: Asking): Promise<unknown> {
    return { user: userOf(request) };
  }
  @Get('standard')
  @Cacheable({ ttl: '1m', http: { credentials: 'standard' } })
  async standard(@Req() request: Asking): Promise<unknown> {
    return { user: userOf(request) };
  }
  @Get('principal')
  @Cacheable({ ttl: '1m', http: { principal: ({ user }) => user as string | undefined } })
  async principal(@Req() request: Asking): Promise<unknown> {
    return { user: userOf(request) };
  }
  @Get('named')
  @Cacheable({ ttl: '1m', http: { headers: ['X-User'], credentialHeaders: ['X-User'] } })
  async named(@Req() request: Asking): Promise<unknown> {
    return { user: userOf(request) };
  }
  @Get('ignore')
  @Cacheable({ ttl: '1m', http: { credentials: 'ignore' } })
  async ignore(): Promise<unknown> {
    return {};
  }
}

@Controller('open')
class Open {
  @Get('unsaid')
  @Cacheable({ ttl: '1m' })
  async unsaid(@Req() request: Asking): Promise<unknown> {
    return { user: userOf(request) };
  }
  @Get('token')
  @Cacheable({ ttl: '1m', http: { credentialHeaders: ['X-Token'] } })
  async token(@Req() { headers }: Asking): Promise<unknown> {
    return { token: headers['x-token'] ?? 'none' };
  }
}

/** A guard that keeps its user where no principal looks. */
@Injectable()
class Elsewhere implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<Asking & { account?: string }>();
    const { 'x-user': name } = request.headers;
    if (name !== undefined) request.account = name;
    return true;
  }
}

const account = (request: Asking & { account?: string }): unknown => ({
  user: request.account ?? 'nobody',
});
const byUser = ({ user }: { user?: unknown }): string | undefined => user as string | undefined;

@Controller('elsewhere')
class KeptElsewhere {
  @Get('undeclared')
  @Cacheable({ ttl: '1m', http: { principal: byUser } })
  async undeclared(@Req() request: Asking): Promise<unknown> {
    return account(request);
  }
  @Get('bypass')
  @Cacheable({ ttl: '1m', http: { principal: byUser, credentials: 'bypass' } })
  async bypass(@Req() request: Asking): Promise<unknown> {
    return account(request);
  }
  @Get('standard')
  @Cacheable({ ttl: '1m', http: { principal: byUser, credentials: 'standard' } })
  async standard(@Req() request: Asking): Promise<unknown> {
    return account(request);
  }
  @Get('named')
  @Cacheable({
    ttl: '1m',
    http: { principal: ({ raw }) => (raw as { account?: string }).account ?? 'anonymous' },
  })
  async named(@Req() request: Asking): Promise<unknown> {
    return account(request);
  }
  @Get('ignore')
  @Cacheable({ ttl: '1m', http: { principal: byUser, credentials: 'ignore' } })
  async ignore(): Promise<unknown> {
    return {};
  }
}

@Controller('elsewhere')
@UseGuards(Elsewhere)
class KeptElsewhereByClass extends KeptElsewhere {}

describe.each(['express', 'fastify'] as const)('who asks, on %s', (platform) => {
  const open = async (configured: Partial<Parameters<typeof start>[0]> = {}) => {
    const { app, lines } = await start({ platform, controllers: [Guarded, Open], ...configured });
    const visit = await listen(app);
    const ask = async (
      path: string,
      headers: Record<string, string> = {},
    ): Promise<[unknown, string | null]> => {
      const { text, headers: got } = await visit(path, { headers });
      return [JSON.parse(text), got.get('cache-status')];
    };
    return { ask, lines };
  };
  const past = 'nest-query-cache; fwd=bypass; detail=credentials';

  it.each(['x-user', 'x-api-key'])(
    'never answers a client with the response of another one that a guard knows by %s',
    async (header) => {
      const { ask } = await open();
      for (const path of ['bypass', 'standard', 'principal', 'named']) {
        for (const name of ['alice', 'bob', 'alice']) {
          const [body] = await ask(`/guarded/${path}`, { [header]: name });
          expect(body, path).toEqual({ user: name });
        }
        expect((await ask(`/guarded/${path}`))[0], path).toEqual({ user: 'nobody' });
      }
    },
  );

  it('bypasses the cache for an authenticated user whose identity is not in the key', async () => {
    const { ask } = await open();
    const alice = { 'x-user': 'alice' };
    expect((await ask('/guarded/bypass', alice))[1]).toBe(past);
    expect((await ask('/guarded/standard', alice))[1]).toContain('detail=authorization');
    for (const path of ['principal', 'named', 'ignore']) {
      await ask(`/guarded/${path}`, alice);
      expect((await ask(`/guarded/${path}`, alice))[1], path).toContain('; hit');
    }
    // A guard that says null lets nobody in particular in.
    await ask('/guarded/bypass');
    expect((await ask('/guarded/bypass'))[1]).toContain('; hit');
  });

  it('bypasses the cache for a user whom middleware has set when the route declares nothing', async () => {
    const { ask, lines } = await open({
      configure: (app) => {
        app.use((request: Asking, _: unknown, next: () => void) => {
          request.user = request.headers['x-user'];
          next();
        });
      },
    });
    for (const name of ['alice', 'bob'])
      expect(await ask('/open/unsaid', { 'x-user': name })).toEqual([{ user: name }, past]);
    expect(lines.warnings.filter((line) => line.includes('bypass the cache'))).toEqual([
      expect.stringMatching(/Open\.unsaid carries credentials.*request\.user.*credentialHeaders/),
    ]);
  });

  it.each<[string, Partial<Parameters<typeof start>[0]>]>([
    ['of its class', { controllers: [KeptElsewhereByClass] }],
    [
      'of the whole application',
      { controllers: [KeptElsewhere], providers: [{ provide: APP_GUARD, useClass: Elsewhere }] },
    ],
  ])(
    'bypasses the cache when a route behind a guard %s has a principal that gives nothing',
    async (_, configured) => {
      const { ask, lines } = await open(configured);
      for (const path of ['undeclared', 'bypass', 'standard']) {
        for (const name of ['alice', 'bob', 'alice']) {
          expect(await ask(`/elsewhere/${path}`, { 'x-user': name })).toEqual([
            { user: name },
            'nest-query-cache; fwd=bypass; detail=principal',
          ]);
        }
      }
      expect(lines.warnings.filter((line) => line.includes('bypass the cache ('))).toEqual([
        expect.stringMatching(
          /undeclared returned undefined .*Elsewhere|UseGuards.*\?\? 'anonymous'.*'bypass'/,
        ),
      ]);
      for (const name of ['alice', 'bob', 'alice', 'bob']) {
        const [body] = await ask('/elsewhere/named', { 'x-user': name });
        expect(body).toEqual({ user: name });
      }
      for (const path of ['named', 'ignore']) {
        await ask(`/elsewhere/${path}`);
        expect((await ask(`/elsewhere/${path}`))[1]).toContain('; hit');
      }
    },
  );

  it.each(['authorization', 'cookie', 'proxy-authorization', 'x-api-key'])(
    'treats the header %s as a credential',
    async (header) => {
      const { ask } = await open();
      expect((await ask('/open/unsaid', { [header]: 'a=b' }))[1]).toBe(past);
    },
  );

  it('treats a header in credentialHeaders as a credential', async () => {
    const { ask } = await open();
    for (const token of ['a', 'b'])
      expect(await ask('/open/token', { 'x-token': token })).toEqual([{ token }, past]);
    expect((await ask('/open/token'))[1]).toContain('stored');
  });

  it('treats a verified client certificate as a credential', async () => {
    const { ask } = await open({
      configure: (app) => {
        app.use((request: Asking, _: unknown, next: () => void) => {
          request.socket.authorized = request.headers['x-verified'] === 'yes';
          next();
        });
      },
    });
    expect((await ask('/open/unsaid', { 'x-verified': 'yes' }))[1]).toBe(past);
    expect((await ask('/open/unsaid'))[1]).toContain('stored');
  });
});
