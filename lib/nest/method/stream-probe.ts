import { Observable, type ObservableNotification, type Subscriber, type Subscription } from 'rxjs';

type Note = ObservableNotification<unknown>;

/** Subscribes to a stream to find out whether it has exactly one value, and keeps what came until somebody takes over. */
export class StreamProbe {
  /** The only value; undefined as soon as there are two, or none. Rejects with the error of a stream that fails before. */
  readonly only: Promise<{ readonly value: unknown } | undefined>;
  readonly #kept: Note[] = [];
  readonly #subscription: Subscription;
  #sink: Subscriber<unknown> | undefined;

  constructor(stream: Observable<unknown>, signal: AbortSignal) {
    let settle: (only: { readonly value: unknown } | undefined) => void = () => undefined;
    let fail: (error: unknown) => void = () => undefined;
    this.only = new Promise((resolve, reject) => {
      settle = resolve;
      fail = reject;
    });
    this.#subscription = stream.subscribe({
      next: (value) => {
        this.#take({ kind: 'N', value });
        if (this.#kept.length === 2) settle(undefined);
      },
      error: (error: unknown) => {
        this.#take({ kind: 'E', error });
        fail(error);
      },
      complete: () => {
        const [first] = this.#kept;
        settle(this.#kept.length === 1 && first?.kind === 'N' ? { value: first.value } : undefined);
        this.#take({ kind: 'C' });
      },
    });
    // Nobody waits any more; a stream that was handed on belongs to its subscriber.
    signal.addEventListener('abort', () => {
      if (this.#kept.length < 2) this.end();
    });
  }

  /** All of the stream, from its beginning; for one subscriber. */
  get rest(): Observable<unknown> {
    return new Observable((subscriber) => {
      for (const note of this.#kept.splice(0)) tell(subscriber, note);
      this.#sink = subscriber;
      return () => {
        this.end();
      };
    });
  }

  end(): void {
    this.#subscription.unsubscribe();
  }

  #take(note: Note): void {
    if (this.#sink === undefined) this.#kept.push(note);
    else tell(this.#sink, note);
  }
}

function tell(subscriber: Subscriber<unknown>, note: Note): void {
  if (note.kind === 'N') subscriber.next(note.value);
  else if (note.kind === 'E') subscriber.error(note.error);
  else subscriber.complete();
}
