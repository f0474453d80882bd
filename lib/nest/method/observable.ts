import { Observable, type ObservableNotification, type Subscriber, type Subscription } from 'rxjs';
import type { Run } from '../module/registry.js';
import { type CachedMethod, runInBackground } from './cacheable.js';

/** The stream had no value, or several: there is nothing to store. */
class NotOneValueError extends Error {}

/**
 * A method that returns an Observable, through the cache. Only what completes with exactly one
 * value is stored; of any other stream each subscriber gets all values, as without a cache. The
 * value arrives when the stream has completed, because until then it may not be the only one.
 */
export function cachedObservable({ method, cache, run, options }: CachedMethod): Run {
  return (instance, args) =>
    new Observable((subscriber) => {
      const source = (on: unknown): Observable<unknown> => run(on, args) as Observable<unknown>;
      const callOptions = options(args);
      if (callOptions === undefined) return source(instance).subscribe(subscriber);
      let following: Subscription | undefined;
      // The last run of this subscription's own producer: when it has several values it goes on,
      // instead of being started anew.
      let own: StreamProbe | undefined;
      const produce = async (
        stream: Observable<unknown>,
        signal: AbortSignal,
      ): Promise<unknown> => {
        const probe = (own = new StreamProbe(stream, signal));
        const single = await probe.single;
        if (single === undefined) throw new NotOneValueError();
        return single.value;
      };
      cache
        .getOrSet(
          method.key(args, instance),
          (context) =>
            context.background
              ? runInBackground(method, context, instance, (fresh) =>
                  produce(source(fresh), context.signal),
                )
              : produce(source(instance), context.signal),
          callOptions,
        )
        .then(
          (value) => {
            subscriber.next(value);
            subscriber.complete();
          },
          (error: unknown) => {
            if (!(error instanceof NotOneValueError)) subscriber.error(error);
            else if (subscriber.closed) own?.end();
            else following = (own?.replay ?? source(instance)).subscribe(subscriber);
          },
        );
      return () => following?.unsubscribe();
    });
}

type Notification = ObservableNotification<unknown>;

/**
 * Subscribes to a stream to find out whether it has exactly one value, and buffers what arrived
 * until a subscriber takes over.
 */
class StreamProbe {
  /**
   * The only value; undefined as soon as there are two, or none. Rejects with the error of a stream
   * that fails before.
   */
  readonly single: Promise<{ readonly value: unknown } | undefined>;
  readonly #buffer: Notification[] = [];
  readonly #subscription: Subscription;
  #subscriber: Subscriber<unknown> | undefined;

  constructor(stream: Observable<unknown>, signal: AbortSignal) {
    let resolve: (single: { readonly value: unknown } | undefined) => void = () => undefined;
    let reject: (error: unknown) => void = () => undefined;
    this.single = new Promise((onValue, onError) => {
      resolve = onValue;
      reject = onError;
    });
    this.#subscription = stream.subscribe({
      next: (value) => {
        this.#forward({ kind: 'N', value });
        if (this.#buffer.length === 2) resolve(undefined);
      },
      error: (error: unknown) => {
        this.#forward({ kind: 'E', error });
        reject(error);
      },
      complete: () => {
        const [first] = this.#buffer;
        resolve(
          this.#buffer.length === 1 && first?.kind === 'N' ? { value: first.value } : undefined,
        );
        this.#forward({ kind: 'C' });
      },
    });
    // No caller waits any more; a stream that was handed on belongs to its subscriber.
    signal.addEventListener('abort', () => {
      if (this.#buffer.length < 2) this.end();
    });
  }

  /** All of the stream, from its beginning; for one subscriber. */
  get replay(): Observable<unknown> {
    return new Observable((subscriber) => {
      for (const notification of this.#buffer.splice(0)) notify(subscriber, notification);
      this.#subscriber = subscriber;
      return () => {
        this.end();
      };
    });
  }

  end(): void {
    this.#subscription.unsubscribe();
  }

  #forward(notification: Notification): void {
    if (this.#subscriber === undefined) this.#buffer.push(notification);
    else notify(this.#subscriber, notification);
  }
}

function notify(subscriber: Subscriber<unknown>, notification: Notification): void {
  if (notification.kind === 'N') subscriber.next(notification.value);
  else if (notification.kind === 'E') subscriber.error(notification.error);
  else subscriber.complete();
}
