import { ensureClassPlan } from '../plan.js';
import { noteOn, refuseBare, refuseMisplaced } from '../wrap-method.js';

/** This method is not cached, whatever other decorators, or the class, say; evictions and puts stay. */
export function NoCache(...none: []): MethodDecorator & ClassDecorator {
  refuseBare('@NoCache', none.at(0));
  return (target: object, name?: string | symbol, descriptor?: PropertyDescriptor): void => {
    if (name === undefined) {
      refuseMisplaced('@NoCache', target, name, descriptor, true);
      ensureClassPlan(target).noCache = true;
    } else noteOn('@NoCache', target, name, descriptor).noCache = true;
  };
}
