import { CacheConfigError } from '../../ports/errors.js';

/**
 * Has a minifier or bundler given the class its name? Such names have one or two characters, or
 * three that begin in lower case; are missing; or end in the `$1` by which bundlers tell two
 * classes of one name apart.
 * @param isBundleShortened this package is part of the bundle, and lost the names of its classes
 */
export function isShortened(
  name: string,
  isBundleShortened = CacheConfigError.name !== 'CacheConfigError',
): boolean {
  return isBundleShortened || SHORT.test(name) || GENERATED.test(name);
}

const SHORT = /^(?:.{0,2}|[a-z_$][\w$]{2})$/u;
const GENERATED = /\$\d+$|^_?class(?:_\d+)?$/u;
