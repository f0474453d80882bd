import { type CacheKey, CacheKeyBuilder, type KeyPart } from '../../core/key/key.js';

/** More are forgotten all at once: finding out which ones are old would cost more than it saves. */
const MAX_REMEMBERED_PARTS = 2_000;
const MAX_REMEMBERED_LENGTH = 200;

const TENANT = Symbol('tenant');
const SEGMENT = Symbol('segment');

/** What a part is called: the name of a param, or one of the two others. */
type PartName = string | typeof TENANT | typeof SEGMENT;
type PartValue = string | number | boolean | null;

/** 0 is left out, because a Map takes it for the same as -0, and a key does not. */
export function isRemembered(value: unknown): value is PartValue {
  switch (typeof value) {
    case 'string':
      return value.length <= MAX_REMEMBERED_LENGTH;
    case 'number':
      return value !== 0;
    case 'boolean':
      return true;
    default:
      return value === null;
  }
}

/** A part of a key that was built before, and the parts before it. */
class RememberedPart {
  /** The key of the parts up to here, as the builder made it. */
  key: CacheKey | undefined;
  /** The same with the segment of the method. */
  completeKey: CacheKey | undefined;
  readonly #next = new Map<PartName, Map<PartValue, RememberedPart>>();

  constructor(
    readonly previous: RememberedPart | undefined,
    readonly name: PartName,
    readonly value: PartValue,
  ) {}

  next(name: PartName, value: PartValue): RememberedPart | undefined {
    return this.#next.get(name)?.get(value);
  }

  add(name: PartName, value: PartValue): RememberedPart {
    const part = new RememberedPart(this, name, value);
    const known = this.#next.get(name);
    if (known === undefined) this.#next.set(name, new Map([[value, part]]));
    else known.set(value, part);
    return part;
  }
}

/**
 * The keys that the key function of one method has built, by their parts. A key that is built again
 * is found by looking its parts up: encoding them, and hashing the new string in the cache, takes
 * longer than the rest of a hit in memory.
 */
export class RecentKeys {
  #root = new RememberedPart(undefined, '', null);
  #size = 0;

  builder(): RecentKeyBuilder {
    return new RecentKeyBuilder(this, this.#root);
  }

  /** The part after `previous`, which is remembered from now on. */
  remember(previous: RememberedPart, name: PartName, value: PartValue): RememberedPart {
    const known = previous.next(name, value);
    if (known !== undefined) return known;
    if (++this.#size > MAX_REMEMBERED_PARTS) {
      this.#root = new RememberedPart(undefined, '', null);
      this.#size = 0;
    }
    return previous.add(name, value);
  }
}

/** A builder that does no work as long as its parts are those of a key that was built before. */
export class RecentKeyBuilder extends CacheKeyBuilder {
  readonly #recent: RecentKeys;
  /** The last part; undefined when a part cannot be remembered. */
  #last: RememberedPart | undefined;
  /** The parts were given to the real builder, which checks and encodes them. */
  #isReal = false;

  constructor(recent: RecentKeys, root: RememberedPart) {
    super();
    this.#recent = recent;
    this.#last = root;
  }

  override tenant(tenant: KeyPart): this {
    return this.#add(TENANT, tenant);
  }

  override segment(segment: KeyPart): this {
    return this.#add(SEGMENT, segment);
  }

  override param(name: string, value: unknown): this {
    return value === undefined ? super.param(name, value) : this.#add(name, value);
  }

  override build(): CacheKey {
    const last = this.#last;
    if (last?.key !== undefined) return last.key;
    this.#makeReal();
    const key = super.build();
    if (last !== undefined) last.key = key;
    return key;
  }

  /** As `build`. @param complete adds the segment of the method; called once for each key */
  buildComplete(complete: (builder: CacheKeyBuilder) => CacheKey): CacheKey {
    const last = this.#last;
    if (last?.completeKey !== undefined) return last.completeKey;
    const key = complete(this);
    if (last !== undefined) last.completeKey = key;
    return key;
  }

  #add(name: PartName, value: unknown): this {
    const last = this.#last;
    const isKept = last !== undefined && isRemembered(value);
    if (!this.#isReal) {
      const next = isKept ? last.next(name, value) : undefined;
      if (next !== undefined) {
        this.#last = next;
        return this;
      }
      this.#makeReal();
    }
    this.#addReal(name, value);
    // Only what the real builder has accepted is remembered.
    this.#last = isKept ? this.#recent.remember(last, name, value) : undefined;
    return this;
  }

  #makeReal(): void {
    if (this.#isReal) return;
    this.#isReal = true;
    const parts: RememberedPart[] = [];
    for (let part = this.#last; part?.previous !== undefined; part = part.previous)
      parts.push(part);
    for (const { name, value } of parts.reverse()) this.#addReal(name, value);
  }

  #addReal(name: PartName, value: unknown): void {
    if (name === TENANT) super.tenant(value as KeyPart);
    else if (name === SEGMENT) super.segment(value as KeyPart);
    else super.param(name, value);
  }
}
