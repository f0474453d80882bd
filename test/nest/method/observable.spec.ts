import { Injectable } from '@nestjs/common';
import {
  concat,
  EMPTY,
  firstValueFrom,
  from,
  lastValueFrom,
  NEVER,
  Observable,
  of,
  throwError,
  timer,
  toArray,
} from 'rxjs';
import { map } from 'rxjs/operators';
import { describe, expect, it, vi } from 'vitest';
import { Cacheable, CacheEvict, CacheKey, CachePut, CacheService } from '../../../lib/index.js';
import { start } from '../http-application.js';

@Injectable()
class Streams {
  runs = 0;

  @Cacheable()
  one(id: number): Observable<number> {
    return timer(1).pipe(map(() => id * 100 + ++this.runs));
  }

  @Cacheable({ returns: 'observable' })
  inferred(id: number) {
    return of(id * 100 + ++this.runs);
  }

  @Cacheable()
  several(): Observable<number> {
    this.runs += 1;
    return from([1, 2, 3]);
  }

  @Cacheable()
  none(): Observable<number> {
    this.runs += 1;
    return EMPTY;
  }

  @Cacheable()
  endless(): Observable<number> {
    this.runs += 1;
    return concat(from([1, 2]), NEVER);
  }

  @Cacheable()
  failing(): Observable<number> {
    this.runs += 1;
    return throwError(() => new RangeError('as thrown'));
  }

  @Cacheable()
  @CacheKey((key, id) => key.segment('shared').param('id', id))
  kept(id: number): Observable<string> {
    return of(`made ${String(id)} ${String(++this.runs)}`);
  }

  @CachePut()
  @CacheKey((key, id) => key.segment('shared').param('id', id))
  put(id: number): Observable<string> {
    return of(`put ${String(id)}`);
  }

  @CacheEvict({ segment: 'shared' })
  evict(): Observable<string> {
    return of('evicted');
  }
}

const all = <T>(stream: Observable<T>): Promise<T[]> => lastValueFrom(stream.pipe(toArray()));

describe('a method that returns an Observable', () => {
  it('a method that returns an Observable is run once for its only value, and stays an Observable', async () => {
    const { get } = await start({ providers: [Streams] });
    const streams = get(Streams);
    expect(streams.one(1)).toBeInstanceOf(Observable);
    expect(
      await Promise.all(Array.from({ length: 20 }, () => lastValueFrom(streams.one(1)))),
    ).toEqual(Array(20).fill(101));
    expect(await all(streams.one(1))).toEqual([101]);
    expect(streams.runs).toBe(1);
  });

  it('a method that returns an Observable does nothing before it is subscribed to', async () => {
    const { get } = await start({ providers: [Streams] });
    get(Streams).one(1);
    expect(get(CacheService).stats().cache_misses).toBe(0);
  });

  it('a method that returns an Observable is cached without an emitted type when the option returns says so', async () => {
    const { get } = await start({ providers: [Streams] });
    const streams = get(Streams);
    const values = [];
    for (let i = 0; i < 3; i++) values.push(await lastValueFrom(streams.inferred(1)));
    expect(values).toEqual([101, 101, 101]);
  });

  it('a method that returns an Observable gives every subscriber all of several values, and keeps nothing', async () => {
    const { get } = await start({ providers: [Streams] });
    const streams = get(Streams);
    const three = await Promise.all([
      all(streams.several()),
      all(streams.several()),
      all(streams.several()),
    ]);
    expect(three).toEqual(Array(3).fill([1, 2, 3]));
    expect(await all(streams.several())).toEqual([1, 2, 3]);
    expect(get(CacheService).stats().cache_fills).toBe(0);
  });

  it('a method that returns an Observable may be empty', async () => {
    const { get } = await start({ providers: [Streams] });
    expect([await all(get(Streams).none()), await all(get(Streams).none())]).toEqual([[], []]);
    expect(get(Streams).runs).toBe(2);
  });

  it('an Observable that never completes goes on, and is released with its subscriber', async () => {
    const { get } = await start({ providers: [Streams] });
    expect(await firstValueFrom(get(Streams).endless())).toBe(1);
    await get(CacheService).drain();
    expect(get(CacheService).stats().flights).toBe(0);
  });

  it('a method that returns an Observable passes its error on unchanged, and is run again', async () => {
    const { get } = await start({ providers: [Streams] });
    await expect(lastValueFrom(get(Streams).failing())).rejects.toThrow(RangeError);
    await expect(lastValueFrom(get(Streams).failing())).rejects.toThrow('as thrown');
    expect(get(Streams).runs).toBe(2);
  });

  it('a method that returns an Observable waits until its eviction is acknowledged', async () => {
    const { get } = await start({ providers: [Streams] });
    let acknowledge: () => void = () => undefined;
    vi.spyOn(get(CacheService), 'invalidate').mockReturnValue(
      new Promise((resolve) => {
        acknowledge = () => {
          resolve({ durable: true });
        };
      }),
    );
    const seen: string[] = [];
    const done = lastValueFrom(
      get(Streams)
        .evict()
        .pipe(map((value) => seen.push(value))),
    );
    await new Promise((resolve) => setImmediate(resolve));
    expect(seen).toEqual([]);
    acknowledge();
    await done;
    expect(seen).toEqual(['evicted']);
  });

  it('a method that returns an Observable puts its last value, and evicts before its caller sees the value', async () => {
    const { get } = await start({ providers: [Streams] });
    const streams = get(Streams);
    expect(await lastValueFrom(streams.kept(1))).toBe('made 1 1');
    expect(await firstValueFrom(streams.put(1))).toBe('put 1');
    expect(await lastValueFrom(streams.kept(1))).toBe('put 1');
    expect(await firstValueFrom(streams.evict())).toBe('evicted');
    expect(await lastValueFrom(streams.kept(1))).toBe('made 1 2');
  });
});
