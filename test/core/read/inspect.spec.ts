import { expect, it } from 'vitest';
import { CONFIGURATIONS, describeCache } from '../../support/describe-cache.js';
import { deferred } from '../../support/fleet.js';

describeCache(CONFIGURATIONS, ({ open, configuration }) => {
  const tier = configuration.startsWith('memory') || configuration === 'shared + L1' ? 'l1' : 'l2';

  it('tells how an entry is judged, without its value', async () => {
    const { cache, clock } = open({ staleIfError: '1h' });
    expect(await cache.inspect('a')).toMatchObject({
      freshness: 'absent',
      entry: undefined,
      leased: false,
    });
    await cache.set('a', { secret: 1 }, { tags: ['t'], ttl: '1m' });
    const found = await cache.inspect('a');
    expect(found).toMatchObject({
      key: 'segment:a',
      freshness: 'fresh',
      tier,
      entry: {
        codec: 'json',
        tags: ['t'],
        createdAt: clock.now(),
        freshUntil: clock.now() + 60_000,
        size: '{"secret":1}'.length,
      },
    });
    expect(JSON.stringify(found)).not.toContain('secret');
    await clock.advance(60_000);
    expect(await cache.inspect('a')).toMatchObject({ freshness: 'fallback' });
    await cache.invalidate({ tags: ['t'] });
    expect(['absent', 'expired']).toContain((await cache.inspect('a')).freshness);
  });

  it('tells that a key is being loaded', async () => {
    const { cache, clock } = open();
    const { promise, resolve } = deferred<number>();
    const loading = cache.getOrSet('a', () => promise);
    await clock.advance(1);
    expect(await cache.inspect('a')).toMatchObject({ freshness: 'absent', leased: true });
    resolve(1);
    await loading;
    await cache.drain();
    expect(await cache.inspect('a')).toMatchObject({ freshness: 'fresh', leased: false });
  });
});
