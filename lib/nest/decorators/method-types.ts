import type { Observable } from 'rxjs';

/** A method that can be cached: it answers later. */
export type AsyncMethod = (...args: never[]) => Promise<unknown> | Observable<unknown>;

/** A method of which nothing is known: what is left of the types once a decorator has been applied. */
export type AnyMethod = (...args: unknown[]) => Promise<unknown>;

/** What a method resolves to, or the value of its observable. */
export type ResultOf<M> = M extends (...args: never[]) => infer R
  ? R extends Observable<infer V>
    ? V
    : Awaited<R>
  : never;

/** An instance, not a class: its static methods are called on the class, of which there is one for all applications. */
type Owner = object & { readonly prototype?: never };

/** Of `any` and `never` (a method that only throws so far) nothing is known that could be refused. */
type IsUnknown<T> = 0 extends 1 & T ? true : [T] extends [never] ? true : false;

type WithResult<M> =
  IsUnknown<ResultOf<M>> extends true
    ? unknown
    : [ResultOf<M>] extends [undefined | void]
      ? {
          readonly 'this decorator keeps what the method gives, and the method gives nothing': never;
        }
      : unknown;

/**
 * Decorates asynchronous methods. `M` is inferred from the decorated method itself: TypeScript types a decorator expression by what it is
 * applied to, so that the parameters of callbacks need no annotation.
 */
export type EffectDecorator<M extends AsyncMethod> = (
  target: Owner,
  name: string | symbol,
  descriptor: TypedPropertyDescriptor<M>,
) => void;

/** As `EffectDecorator`, for methods whose result is kept: there must be one. */
export type ResultDecorator<M extends AsyncMethod> = (
  target: Owner,
  name: string | symbol,
  descriptor: TypedPropertyDescriptor<M> & WithResult<M>,
) => void;

/** The same for classes of route handlers. The order counts: inference looks at the last signature. */
export interface ClassOrResultDecorator<M extends AsyncMethod> {
  (target: abstract new (...args: never[]) => unknown): void;
  (
    target: Owner,
    name: string | symbol,
    descriptor: TypedPropertyDescriptor<M> & WithResult<M>,
  ): void;
}

/** Says something about a method without changing it, so that it fits synchronous ones too. */
export type NoteDecorator = <T>(
  target: Owner,
  name: string | symbol,
  descriptor: TypedPropertyDescriptor<T>,
) => void;
