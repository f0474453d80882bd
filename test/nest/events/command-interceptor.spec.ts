import { Controller, Get, Post, UseInterceptors } from '@nestjs/common';
import {
  CommandBus,
  CommandHandler,
  CqrsModule,
  EventBus,
  type ICommandHandler,
} from '@nestjs/cqrs';
import { type Observable, of } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { on } from '../../../lib/index.js';
import type { CacheBackend } from '../../../lib/backend.js';
import { CacheCommandInterceptor } from '../../../lib/cqrs.js';
import { listen, start } from '../http-application.js';

class EntryPosted {}
class PostEntry {}

@CommandHandler(PostEntry)
class PostEntryHandler implements ICommandHandler<PostEntry> {
  constructor(readonly events: EventBus) {}

  async execute(): Promise<string> {
    this.events.publish(new EntryPosted());
    return 'posted';
  }
}

@Controller('entries')
class Entries {
  constructor(readonly commands: CommandBus) {}

  @Post('waiting')
  @UseInterceptors(CacheCommandInterceptor)
  waiting(): Promise<string> {
    return this.commands.execute(new PostEntry());
  }

  @Post('quick')
  quick(): Promise<string> {
    return this.commands.execute(new PostEntry());
  }

  @Get('none')
  @UseInterceptors(CacheCommandInterceptor)
  none(): Observable<string> {
    return of('first', 'last');
  }
}

describe.each(['express', 'fastify'] as const)('CacheCommandInterceptor on %s', (platform) => {
  it('CacheCommandInterceptor answers a command when the invalidations that its events have caused are acknowledged', async () => {
    let acknowledge: (() => void)[] = [];
    let done = 0;
    const backend: CacheBackend = {
      get: () => Promise.resolve(undefined),
      set: () => Promise.resolve(),
      delete: async () => {
        await new Promise<void>((resolve) => acknowledge.push(resolve));
        done++;
      },
    };
    const release = (): void => {
      for (const next of acknowledge) next();
      acknowledge = [];
    };
    const { app } = await start({
      imports: [CqrsModule.forRoot()],
      controllers: [Entries],
      providers: [PostEntryHandler],
      platform,
      cache: {
        backend,
        backendTimeout: '1h',
        invalidations: [on(EntryPosted, () => ({ keys: ['list'] }))],
      },
    });
    const visit = await listen(app);
    const post = { method: 'POST' };
    expect((await visit('/entries/quick', post)).text).toBe('posted');
    expect([done, acknowledge.length]).toEqual([0, 1]);
    release();

    let answered = false;
    const waiting = visit('/entries/waiting', post).then(({ text }) => {
      answered = true;
      return [text, done];
    });
    while (acknowledge.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    // Another answer has come all the way meanwhile.
    await visit('/entries/none');
    expect(answered).toBe(false);
    release();
    expect(await waiting).toEqual(['posted', 2]);
    expect((await visit('/entries/none')).text).toBe('last');
  });
});
