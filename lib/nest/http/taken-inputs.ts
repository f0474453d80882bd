import { Scope } from '@nestjs/common';
import type { BypassReason } from '../../http/request.js';
import type { Controller, Handler } from './routes.js';

/** What a handler takes of a request beside the parts that are in every key. */
export interface TakenInputs {
  /** It takes the request as a whole, or something that only the application knows. */
  readonly any: boolean;
  readonly body: boolean;
  /** The names of headers in lower case; `'*'` for all of them. */
  readonly headers: readonly string[] | '*';
}

/**
 * Nest's metadata keys and its numbers of parameters; not public, but the same in all its major
 * versions.
 */
const ROUTE_ARGUMENTS = '__routeArguments__';
const SCOPE = 'scope:options';
const CUSTOM = '__customRouteArgs__';
const REQUEST = '0';
const HEADERS = '6';
/** `@Body()`, `@UploadedFile()`, `@UploadedFiles()`, `@RawBody()`. */
const BODIES: ReadonlySet<string> = new Set(['3', '8', '9', '12']);

/**
 * A controller in request scope, or whose scope may be one, can be given the request by injection.
 */
export function takenInputs(
  controller: Controller,
  _handler: Handler,
  name: string | symbol,
): TakenInputs {
  const given = (Reflect.getMetadata(ROUTE_ARGUMENTS, controller, name) ?? {}) as Record<
    string,
    { readonly data?: unknown }
  >;
  const scope = (Reflect.getMetadata(SCOPE, controller) as { scope?: Scope } | undefined)?.scope;
  let any = scope !== undefined && scope !== Scope.DEFAULT;
  let body = false;
  let all = false;
  const headers: string[] = [];
  for (const [key, { data }] of Object.entries(given)) {
    const [kind = ''] = key.split(':');
    if (kind === REQUEST || kind.endsWith(CUSTOM)) any = true;
    else if (BODIES.has(kind)) body = true;
    else if (kind !== HEADERS) continue;
    else if (typeof data === 'string') headers.push(data.toLowerCase());
    else all = true;
  }
  return { any, body, headers: all ? '*' : headers };
}

const HEADERS_OF: Readonly<Record<Exclude<BypassReason, 'body'>, readonly string[]>> = {
  range: ['range', 'if-range'],
  precondition: ['if-match', 'if-unmodified-since'],
  'method-override': ['x-http-method-override', 'x-http-method', 'x-method-override'],
  upgrade: ['upgrade', 'connection'],
};

/** Whether the handler takes what makes a request a special one. */
export function takesInput({ any, body, headers }: TakenInputs, reason: BypassReason): boolean {
  if (any) return true;
  if (reason === 'body') return body;
  return headers === '*' || HEADERS_OF[reason].some((name) => headers.includes(name));
}
