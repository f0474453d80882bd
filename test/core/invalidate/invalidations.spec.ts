import { describe, expect, it } from 'vitest';
import { CacheKey } from '../../../lib/index.js';
import { FakeClock } from '../../../lib/testing/fake-clock.js';
import { SimulatedLink } from '../../support/simulated-backend.js';
import { SimulatedServer } from '../../support/simulated-server.js';
import { wiredCache } from '../../support/wired-cache.js';

async function filled() {
  const clock = new FakeClock();
  const server = new SimulatedServer(clock);
  const link = new SimulatedLink(
    server,
    'p0',
    () => Promise.resolve(),
    () => 'answered',
    false,
  );
  const { cache } = wiredCache({ clock, holder: 'p0', store: link });
  for (const tenant of ['acme', 'umbrella']) {
    for (const i of [1, 2])
      await cache.set(CacheKey.builder().tenant(tenant).segment('s').param('i', i).build(), i);
  }
  expect(server.values.size).toBe(4);
  return { clock, server, link, cache };
}

describe('the memory of what was cleared', () => {
  it('comes back after a clear, of a tenant or of all', async () => {
    const { server, cache } = await filled();
    await cache.clear({ tenant: 'acme' });
    await cache.drain();
    expect(server.values.size).toBe(2);
    await cache.clear();
    await cache.drain();
    expect(server.values.size).toBe(0);
  });

  it('comes back after the unit of work in which it was cleared, and not before', async () => {
    const { server, cache } = await filled();
    await cache.unitOfWork(async () => {
      await cache.clear({ tenant: 'acme' });
      await cache.drain();
      expect(server.values.size).toBe(4);
    });
    await cache.drain();
    expect(server.values.size).toBe(2);
  });

  it('comes back when a clear that did not reach the backend is repeated', async () => {
    const { clock, server, link, cache } = await filled();
    link.change('down');
    expect(await cache.clear()).toEqual({ durable: false });
    await clock.advance(1_000);
    expect(server.values.size).toBe(4);
    link.change('up');
    await clock.advance(3_000);
    await cache.drain();
    expect([cache.stats().journal, server.values.size]).toEqual([0, 0]);
  });

  it('does not come back after an invalidation, whose cost does not depend on the number of entries', async () => {
    const { server, cache } = await filled();
    await cache.invalidate({ tenant: 'acme' });
    await cache.drain();
    expect(server.values.size).toBe(4);
  });
});
