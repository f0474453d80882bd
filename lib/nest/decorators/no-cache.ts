import { addClassMetadata, addMethodMetadata, assertCalled } from './metadata.js';

/**
 * The method is not cached, whatever other decorators or its class declare. Evictions and puts
 * stay.
 */
export function NoCache(...none: []): MethodDecorator & ClassDecorator {
  assertCalled('@NoCache', none.at(0));
  return (target: object, name?: string | symbol, descriptor?: PropertyDescriptor): void => {
    const metadata =
      name === undefined
        ? addClassMetadata('@NoCache', target, descriptor)
        : addMethodMetadata('@NoCache', target, name, descriptor);
    metadata.noCache = true;
  };
}
