import type { Observable } from 'rxjs';
import {
  type BypassReason,
  mustBypass,
  NO_DIRECTIVES,
  parseRequestDirectives,
  type RequestDirectives,
} from '../../http/request.js';
import { forbidCdn } from './cdn.js';
import type { Exchange } from './request.js';
import type { RequestContext } from './request-context.js';
import { setCacheStatus } from './respond.js';
import type { RouteConfig } from './route.js';
import { serve, serveReload, serveStoredOnly } from './serve.js';
import { takesInput } from './taken-inputs.js';

/* What a client may ask for, where the option `clientBypass` of the route lets it. */

type Handled = Observable<unknown> | Promise<Observable<unknown>>;

/** Why the handler is to answer, because of what the client has added to its request. */
export function chosenBypass(route: RouteConfig, exchange: Exchange): BypassReason | undefined {
  const { clientBypass } = route;
  if (clientBypass === 'never') return undefined;
  const reason = inputOf(exchange);
  if (reason === undefined || clientBypass === 'always') return reason;
  return takesInput(route.takes, reason) ? reason : undefined;
}

export function serveRequest(request: RequestContext): Handled {
  const { route, exchange, next } = request;
  const directives = directivesOf(route, exchange);
  if (directives.noStore) {
    setCacheStatus(exchange, { hit: false, fwd: 'bypass', detail: 'no-store' });
    forbidCdn(route.cdn, exchange);
    return next.handle();
  }
  if (!isSharable(route, exchange)) return serveStoredOnly(request, directives);
  return acceptsEveryResponse(directives) ? serve(request) : serveReload(request, directives);
}

function directivesOf({ clientBypass }: RouteConfig, { headers }: Exchange): RequestDirectives {
  if (clientBypass === 'never') return NO_DIRECTIVES;
  const directives = parseRequestDirectives(headers);
  // A stored response may answer it, and what the handler gives is made for everyone.
  return clientBypass === 'conditional' && directives.noStore
    ? { ...directives, noStore: false }
    : directives;
}

/** Whether what the handler answers to this request may answer others as well. */
function isSharable({ clientBypass, takes }: RouteConfig, exchange: Exchange): boolean {
  if (exchange.method === 'HEAD' && (clientBypass === 'always' || takes.any)) return false;
  if (clientBypass !== 'never') return true;
  const reason = inputOf(exchange);
  return reason === undefined || !takesInput(takes, reason);
}

/** What the request has that a handler may take, beside what is in its key. */
function inputOf({ headers, hasUnannouncedBody }: Exchange): BypassReason | undefined {
  return mustBypass(headers) ?? (hasUnannouncedBody ? 'body' : undefined);
}

function acceptsEveryResponse(directives: RequestDirectives): boolean {
  if (directives === NO_DIRECTIVES) return true;
  const { noCache, onlyIfCached, maxAge, minFresh } = directives;
  return !noCache && !onlyIfCached && maxAge === undefined && minFresh === undefined;
}
