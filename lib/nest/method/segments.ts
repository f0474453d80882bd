import { CacheConfigError } from '../../ports/errors.js';
import { areAlike, areInstancesAlike, type Provided } from '../checks/alike.js';
import { metadataOf } from '../decorators/find-metadata.js';
import { classMetadataOf, declaredKey, type MethodMetadata } from '../decorators/metadata.js';

/** A class that has decorated methods, its own or inherited ones. */
export interface HostClass {
  readonly name: string;
  readonly prototype: unknown;
}

/**
 * The segment of a method's keys that name none themselves. A method that the class overrides, and
 * calls by `super`, has that of the class that declares it.
 */
export function segmentOf(metadata: MethodMetadata, host: HostClass): string {
  const { cacheable, put, name, owner, method } = metadata;
  const given = (cacheable ?? put)?.name;
  if (given !== undefined) return given;
  return metadataOf(host, name) === metadata ? classSegment(host, method) : `${owner}.${method}`;
}

/** As `segmentOf`, for a method without an option of its own. */
export function classSegment(host: HostClass, method: string): string {
  return `${classMetadataOf(host)?.cacheable?.name ?? host.name}.${method}`;
}

/** A method whose entries have a segment: those of values, or those of responses. */
export interface SegmentOwner {
  readonly kind: 'value' | 'response';
  readonly cache: string;
  /** The segment, or the fixed key. */
  readonly segment: string;
  readonly host: HostClass;
  /** What declares the method: the same for all classes that inherit it. */
  readonly declared: object;
  readonly method: string;
  /** Known when the application starts. */
  readonly provided?: Provided;
  /** The keys tell classes and instances apart. */
  readonly hasInstanceKey: boolean;
}

/** The owner of the segment of a method with `@Cacheable`, whose value is cached. */
export function valueOwner(
  metadata: MethodMetadata,
  host: HostClass,
  provided?: Provided,
): SegmentOwner {
  const { cacheable, method } = metadata;
  const key = declaredKey(metadata);
  return {
    kind: 'value',
    cache: cacheable?.cache ?? 'default',
    segment: typeof key === 'string' ? key : segmentOf(metadata, host),
    host,
    declared: metadata,
    method,
    hasInstanceKey: cacheable?.instanceKey !== undefined,
    ...(provided === undefined ? undefined : { provided }),
  };
}

/**
 * The segments in one application, each with the one method it belongs to. A method that two
 * classes inherit from a common one has a segment in each: they may be repositories of different
 * things.
 */
export class SegmentRegistry {
  readonly #owners = new Map<string, SegmentOwner>();

  /**
   * @throws CacheConfigError (`CACHE_CONFIG`) when the segment belongs to another method, to the
   * same method of another class, or to an instance that was made differently
   */
  reserve(owner: SegmentOwner): void {
    const id = JSON.stringify([owner.kind, owner.cache, owner.segment]);
    const first = this.#owners.get(id);
    if (first === undefined) this.#owners.set(id, owner);
    else if (first.declared !== owner.declared) throw twoMethods(first, owner);
    if (owner.hasInstanceKey) return;
    const { host, provided } = owner;
    if (first !== undefined && first.host !== host) throw inheritedTwice(first, owner);
    if (provided === undefined) return;
    if (!areInstancesAlike(provided) || !areAlike(first?.provided ?? provided, provided))
      throw twoInstances(owner);
  }
}

function twoMethods(first: SegmentOwner, second: SegmentOwner): CacheConfigError {
  const ofTwoClasses = first.host === second.host ? '' : ' of two classes';
  return new CacheConfigError(
    `Two cached methods, ${nameOf(first)} and ${nameOf(second)}${ofTwoClasses}, have the segment ` +
      `${JSON.stringify(first.segment)}: their keys could not be told apart. Give each a name of ` +
      "its own, @Cacheable({ name: '...' }), or a fixed key of its own where it has one.",
  );
}

function inheritedTwice(first: SegmentOwner, second: SegmentOwner): CacheConfigError {
  const advice =
    first.kind === 'response'
      ? 'Leave name out, so that each class has a segment of its own.'
      : 'Leave name and a fixed key out, so that each class has a segment of its own, or say ' +
        'what tells them apart: ' +
        '@Cacheable({ instanceKey: (instance) => instance.constructor.name }).';
  return new CacheConfigError(
    `${first.host.name} and ${second.host.name} have one cached method in common, ` +
      `${second.method}, with the segment ${JSON.stringify(first.segment)}: one would answer ` +
      `with what is stored of the other. ${advice}`,
  );
}

function twoInstances(owner: SegmentOwner): CacheConfigError {
  return new CacheConfigError(
    `${nameOf(owner)} is cached, and the application has two instances of ${owner.host.name} ` +
      'that are made differently: one would answer with what is stored of the other. Say what ' +
      'tells them apart, as in @Cacheable({ instanceKey: (instance) => instance.region }); ' +
      "() => 'one' when all of them give the same results.",
  );
}

function nameOf({ host, method }: SegmentOwner): string {
  return `${host.name}.${method}`;
}
