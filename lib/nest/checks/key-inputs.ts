import type { KeyMaker } from '../decorators/options.js';

/**
 * Does a key depend on one of these arguments? As far as it can be seen by making it once, from arguments that notice when they are looked at. Where
 * that fails nobody knows, and the answer is yes.
 * @param positions of the arguments, the first after the builder being 0
 * @param count how many arguments there are
 */
export function looksAt(maker: KeyMaker, positions: readonly number[], count: number): boolean {
  let looked = false;
  const noticed = new Set<unknown>();
  const given = (value: unknown): boolean =>
    noticed.has(value) ||
    (typeof value === 'object' && value !== null && Object.values(value).some(given));
  const args = Array.from({ length: count }, (_, i) => {
    if (!positions.includes(i)) return pretender(() => undefined);
    const arg = pretender(() => (looked = true));
    noticed.add(arg);
    return arg;
  });
  const builder: object = new Proxy(anything, {
    get: () => builder,
    apply: (_target, _this, values: unknown[]) => {
      looked ||= values.some(given);
      return builder;
    },
  });
  try {
    const made = (maker as (...all: unknown[]) => unknown)(builder, ...args);
    looked ||= given(made);
  } catch {
    return true;
  }
  return looked;
}

/** Has every member, can be called, and is a text where one is wanted. */
function pretender(notice: () => void): object {
  const self: object = new Proxy(anything, {
    get: (_, name) => {
      notice();
      return name === Symbol.toPrimitive ? () => 'x' : self;
    },
    has: () => {
      notice();
      return true;
    },
    ownKeys: (target) => {
      notice();
      return Reflect.ownKeys(target);
    },
    apply: () => {
      notice();
      return self;
    },
  });
  return self;
}

function anything(): void {
  // Only its being a function counts.
}
