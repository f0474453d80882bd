import { noteOn, noteOnClass, refuseBare } from '../method/decorate-method.js';

/** This method is not cached, whatever other decorators, or the class, say; evictions and puts stay. */
export function NoCache(...none: []): MethodDecorator & ClassDecorator {
  refuseBare('@NoCache', none.at(0));
  return (target: object, name?: string | symbol, descriptor?: PropertyDescriptor): void => {
    const plan =
      name === undefined
        ? noteOnClass('@NoCache', target, descriptor)
        : noteOn('@NoCache', target, name, descriptor);
    plan.noCache = true;
  };
}
