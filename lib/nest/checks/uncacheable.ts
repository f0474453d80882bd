import { CacheDecoratorError } from '../../ports/errors.js';
import type { UnshareableReason } from '../http/observations.js';
import type { RouteConfig } from '../http/route.js';

type UncacheableReason = NonNullable<RouteConfig['uncacheable']>;

const ROUTES: Readonly<Record<UncacheableReason, string>> = {
  sse: 'sends server-sent events, a stream that has no one answer to keep',
  res: 'sends its response itself (@Res() or @Next()), so that there is nothing to keep',
  render: 'renders a view (@Render()) after the cache has seen its value',
  changes: 'evicts or puts (@CacheEvict, @CachePut), which an answer from the cache would skip',
  redirect: 'redirects by decorator (@Redirect()) after the cache has seen its value',
};

/** For a route that opted in, perhaps by its class, and can never be cached. */
export function uncacheableRouteError({ where, uncacheable }: RouteConfig): CacheDecoratorError {
  const reason = uncacheable === undefined ? '' : ROUTES[uncacheable];
  return new CacheDecoratorError(
    `${where} ${reason}. Put @NoCache() on it, or leave @Cacheable out where it is alone.`,
  );
}

/** Why a response cannot be stored, where only the response shows it. */
const RESPONSES: Partial<Readonly<Record<UnshareableReason, string>>> = {
  stream:
    'answers with a stream, bytes or an error, of which nothing is kept. Put @NoCache() on it, ' +
    'or return what goes out as text',
  tenant:
    'is answered in a tenant that was not there yet when the cache looked: an interceptor has ' +
    'set it. Set it in middleware or in a guard, which come before',
  'vary-star':
    'answers with Vary: *, which says that no stored response may ever be used. Name the request ' +
    'headers that count',
};

/** Undefined for a response that declares itself uncacheable, or is not stored this time only. */
export function uncacheableResponseError(
  { where }: RouteConfig,
  reason: UnshareableReason,
): CacheDecoratorError | undefined {
  const text = RESPONSES[reason];
  return text === undefined ? undefined : new CacheDecoratorError(`${where} ${text}.`);
}
