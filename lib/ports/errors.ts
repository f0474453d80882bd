/**
 * Every error of this library. `code` is stable; the message says what was expected, what was given
 * and what to do.
 */
export class CacheError extends Error {
  constructor(
    readonly code: CacheErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = new.target.name;
  }
}

export type CacheErrorCode =
  | 'CACHE_CONFIG'
  | 'CACHE_KEY'
  | 'CACHE_CODEC'
  | 'CACHE_BACKEND_UNAVAILABLE'
  | 'CACHE_BACKEND_TIMEOUT'
  | 'CACHE_BACKEND_FAILED'
  | 'CACHE_PRODUCER_TIMEOUT'
  | 'CACHE_REENTRANT'
  | 'CACHE_CLOSED'
  | 'CACHE_NOT_DURABLE'
  | 'CACHE_DECORATOR';

/**
 * An option, duration or combination that cannot work; thrown at start, or by the call it is given
 * to.
 */
export class CacheConfigError extends CacheError {
  constructor(message: string, options?: ErrorOptions) {
    super('CACHE_CONFIG', message, options);
  }
}

/** A key part or argument that has no canonical text; names the part. */
export class CacheKeyError extends CacheError {
  constructor(message: string, options?: ErrorOptions) {
    super('CACHE_KEY', message, options);
  }
}

/** A value that a codec cannot store without loss, or bytes that it did not write. */
export class CodecError extends CacheError {
  constructor(message: string, options?: ErrorOptions) {
    super('CACHE_CODEC', message, options);
  }
}

/** The backend failed. Never reaches callers of `getOrSet` or `get`, which go on without it. */
export class BackendError extends CacheError {
  constructor(
    kind: 'UNAVAILABLE' | 'TIMEOUT' | 'FAILED',
    message: string,
    options?: ErrorOptions & {
      /** True when the operation may have taken effect: its deadline passed after it was sent. */
      readonly unknownOutcome?: boolean;
      /**
       * True when the backend itself repeats the operation until it succeeds, and meanwhile
       * returns no old value: the caller need not repeat it.
       */
      readonly kept?: boolean;
    },
  ) {
    super(`CACHE_BACKEND_${kind}`, message, options);
    this.unknownOutcome = options?.unknownOutcome ?? false;
    this.kept = options?.kept ?? false;
  }
  readonly unknownOutcome: boolean;
  readonly kept: boolean;
}

/** The producer did not settle within `producerTimeout.hard`. */
export class ProducerTimeoutError extends CacheError {
  constructor(message: string) {
    super('CACHE_PRODUCER_TIMEOUT', message);
  }
}

/** A producer waits, directly or through other producers, for the key it is producing. */
export class ReentrantProducerError extends CacheError {
  constructor(message: string) {
    super('CACHE_REENTRANT', message);
  }
}

/** The cache was closed. */
export class CacheClosedError extends CacheError {
  constructor(message: string) {
    super('CACHE_CLOSED', message);
  }
}

/**
 * With the option `strict`: an invalidation could not be made durable. It took effect in this
 * process and stays in the journal.
 */
export class NotDurableError extends CacheError {
  constructor(message: string, options?: ErrorOptions) {
    super('CACHE_NOT_DURABLE', message, options);
  }
}

/** A decorator on a target that it cannot decorate. */
export class CacheDecoratorError extends CacheError {
  constructor(message: string) {
    super('CACHE_DECORATOR', message);
  }
}
