import { CacheKey } from '../../lib/core/key/key.js';
import type { InvalidateRequest } from '../../lib/core/options/types.js';
import { below, pick, type Random } from './random.js';

const TENANTS = [undefined, 'north', 'south', 'a/b:c'] as const;
const SEGMENTS = ['entries', 'balances'] as const;

/** What is cached: rows of a database, each in a tenant (or none), a segment, and two tags. */
export interface Row {
  readonly id: number;
  readonly key: CacheKey;
  readonly tenant: string | undefined;
  readonly segment: string;
  readonly tags: readonly string[];
  /** The tags are known from the value only. */
  readonly lateTags: boolean;
  /** Short ttl, stale window, early refresh. */
  readonly shortLived: boolean;
  /**
   * The only process that writes this row, and may do so by `set`; undefined: any process, by
   * invalidations.
   */
  readonly owner: number | undefined;
}

export interface Stored {
  readonly tenant: string | null;
  readonly id: number;
  readonly version: number;
  readonly pad?: string;
}

export class World {
  readonly rows: readonly Row[];

  constructor(
    count: number,
    readonly processes: number,
  ) {
    this.rows = Array.from({ length: count }, (_, id) => {
      const tenant = TENANTS[id % TENANTS.length];
      const segment = SEGMENTS[(id >> 2) % SEGMENTS.length] ?? 'entries';
      const builder = CacheKey.builder().segment(segment).param('id', id);
      return {
        id,
        key: (tenant === undefined ? builder : builder.tenant(tenant)).build(),
        tenant,
        segment,
        tags: [`a${String(id % 3)}`, `b${String((id >> 1) % 3)}`],
        lateTags: id % 2 === 1,
        shortLived: id % 5 === 0,
        owner: id >= count * 0.75 ? id % processes : undefined,
      };
    });
  }

  row(id: number): Row {
    const row = this.rows[id];
    if (row === undefined) throw new Error(`There is no row ${String(id)}.`);
    return row;
  }

  /** A group invalidation, and the rows it means. */
  group(random: Random): { request: InvalidateRequest | 'clear'; rows: readonly Row[] } {
    const tenant = pick(random, TENANTS);
    const inTenant = this.rows.filter((row) => row.tenant === tenant);
    const scope = tenant === undefined ? {} : { tenant };
    const a = `a${String(below(random, 3))}`;
    const b = `b${String(below(random, 3))}`;
    switch (below(random, 10)) {
      case 0:
        if (tenant !== undefined) return { request: { tenant }, rows: inTenant };
        return random() < 0.3
          ? { request: 'clear', rows: this.rows }
          : {
              request: { segment: 'entries' },
              rows: inTenant.filter((row) => row.segment === 'entries'),
            };
      case 1:
      case 2: {
        const segment = pick(random, SEGMENTS);
        return {
          request: { ...scope, segment },
          rows: inTenant.filter((row) => row.segment === segment),
        };
      }
      case 3:
      case 4:
      case 5:
        return {
          request: { ...scope, tags: [a, b], match: 'all' },
          rows: inTenant.filter((row) => row.tags.includes(a) && row.tags.includes(b)),
        };
      default:
        return {
          request: { ...scope, tags: [a] },
          rows: inTenant.filter((row) => row.tags.includes(a)),
        };
    }
  }
}

/** Is it a value of this very row? */
export function isOf(row: Row, value: unknown): value is Stored {
  if (typeof value !== 'object' || value === null) return false;
  const { tenant, id, version } = value as Partial<Stored>;
  return id === row.id && tenant === (row.tenant ?? null) && typeof version === 'number';
}
