import type { Observable } from 'rxjs';

/** A method that can be cached: asynchronous, with a result. */
export type AsyncMethod = (...args: never[]) => Promise<unknown> | Observable<unknown>;

/** What a method resolves to. */
export type ResultOf<M> = M extends (...args: never[]) => Promise<infer R> | Observable<infer R> ? R : never;

interface Misfit<Reason extends string> {
  readonly 'this decorator does not fit the method': Reason;
}

/** The method itself when callbacks for `Args` and `Result` can be called with what it takes and gives; else something that says why not. */
export type Fitting<M, Args extends readonly unknown[], Result> = M extends (...args: infer A) => Promise<infer R> | Observable<infer R>
  ? [(...args: Args) => void] extends [(...args: A) => void]
    ? [R] extends [Result]
      ? M
      : Misfit<'a callback expects another result than the method gives'>
    : Misfit<'a callback expects other arguments than the method takes'>
  : Misfit<'the method must return a Promise or an Observable'>;

/** As `Fitting`, for methods whose result is to be kept: there must be one. */
export type FittingResult<M, Args extends readonly unknown[], Result> = [ResultOf<M>] extends [void]
  ? Misfit<'the method has no result to cache'>
  : Fitting<M, Args, Result>;

/** A decorator for methods whose result is kept. */
export type ResultDecorator<Args extends readonly unknown[], Result> = <M extends AsyncMethod>(
  target: object,
  name: string | symbol,
  descriptor: TypedPropertyDescriptor<M> & TypedPropertyDescriptor<FittingResult<M, Args, Result>>,
) => void;

/** A decorator for any asynchronous method. */
export type EffectDecorator<Args extends readonly unknown[], Result> = <M extends AsyncMethod>(
  target: object,
  name: string | symbol,
  descriptor: TypedPropertyDescriptor<M> & TypedPropertyDescriptor<Fitting<M, Args, Result>>,
) => void;
