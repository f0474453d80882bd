import type { MethodPlan } from '../decorators/metadata.js';
import { injectedInto, transportOf } from '../checks/transports.js';

const NOTHING: readonly number[] = Object.freeze([]);
const LEFT_OUT = Symbol('arguments that are not part of derived keys');

/** The arguments that a derived key is made of: without what a transport injects (context, info, the root of a query). */
export function keyArguments(
  plan: MethodPlan & { [LEFT_OUT]?: readonly number[] },
  instance: unknown,
  args: unknown[],
): unknown[] {
  const leftOut = plan[LEFT_OUT] ?? positionsOf(plan, instance);
  plan[LEFT_OUT] = leftOut;
  if (leftOut.length === 0) return args;
  return args.map((arg, i) => (leftOut.includes(i) ? undefined : arg));
}

function positionsOf(plan: MethodPlan, instance: unknown): readonly number[] {
  const proto = Object.getPrototypeOf(instance) as Record<string, unknown> | null;
  const method = proto?.[plan.method];
  const host = (instance as object).constructor;
  if (typeof method !== 'function') return NOTHING;
  const transport = transportOf(method, host, plan.method);
  return transport === undefined ? NOTHING : [...injectedInto(transport, host, plan.method).keys()];
}
