import { decorateMethod } from '../method/decorate-method.js';
import { assertCalled } from './metadata.js';

type PromiseDecorator = <M extends (...args: never[]) => Promise<unknown>>(
  target: object,
  name: string | symbol,
  descriptor: TypedPropertyDescriptor<M>,
) => void;

/**
 * The method settles when the invalidations that it has caused are acknowledged: those it started
 * itself, and those that followed from the events it published. For the `execute` of a command
 * handler, so that its caller can read what was written.
 *
 * ```ts
 * @AwaitInvalidations()
 * async execute(command: PostEntry): Promise<void> {
 *   this.events.publish(new EntryPosted(command.account));
 * }
 * ```
 * @throws CacheDecoratorError (`CACHE_DECORATOR`) when the class is defined, on static methods
 */
export function AwaitInvalidations(...none: []): PromiseDecorator {
  assertCalled('@AwaitInvalidations', none.at(0));
  return (target: object, name: string | symbol, descriptor: PropertyDescriptor): void => {
    decorateMethod('@AwaitInvalidations', target, name, descriptor).awaitsInvalidations = true;
  };
}
