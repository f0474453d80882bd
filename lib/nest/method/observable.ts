import { Observable, type Subscription } from 'rxjs';
import { StreamProbe } from './stream-probe.js';

type Produce = (source: Observable<unknown>, signal: AbortSignal) => Promise<unknown>;

interface Through {
  readonly source: () => Observable<unknown>;
  /** Undefined: past the cache. */
  readonly through: ((produce: Produce) => Promise<unknown>) | undefined;
}

/** The stream had no value, or more than one: there is nothing to keep. */
class NotOneValue extends Error {}

/**
 * A stream through the cache. Only what completes with exactly one value is kept; of any other stream each subscriber gets all values, as
 * without a cache. The value comes when the stream has completed, since until then it is not known to be the only one.
 *
 * @param prepare called once for each subscription; what it throws is the stream's error
 */
export function cachedObservable(prepare: () => Through): Observable<unknown> {
  return new Observable((subscriber) => {
    const { source, through } = prepare();
    if (through === undefined) return source().subscribe(subscriber);
    let following: Subscription | undefined;
    // The last run of this subscription's own producer: when it has several values it goes on, instead of being started anew.
    let own: StreamProbe | undefined;
    const produce: Produce = async (stream, signal) => {
      const probe = (own = new StreamProbe(stream, signal));
      const only = await probe.only;
      if (only === undefined) throw new NotOneValue();
      return only.value;
    };
    through(produce).then(
      (value) => {
        subscriber.next(value);
        subscriber.complete();
      },
      (error: unknown) => {
        if (!(error instanceof NotOneValue)) subscriber.error(error);
        else if (subscriber.closed) own?.end();
        else following = (own?.rest ?? source()).subscribe(subscriber);
      },
    );
    return () => following?.unsubscribe();
  });
}
