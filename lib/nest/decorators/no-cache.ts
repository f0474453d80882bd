import { ensureClassPlan } from '../plan.js';
import { noteOn } from '../wrap-method.js';

/** This method is not cached, whatever other decorators, or the class, say; evictions and puts stay. */
export function NoCache(): MethodDecorator & ClassDecorator {
  return (target: object, name?: string | symbol, descriptor?: PropertyDescriptor): void => {
    if (name === undefined) ensureClassPlan(target).noCache = true;
    else noteOn('@NoCache', target, name, descriptor).noCache = true;
  };
}
