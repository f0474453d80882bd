import { splitList } from '../../http/headers.js';
import { mustBypass } from '../../http/request.js';

import type { RouteConfig } from '../http/route.js';
import { CACHED_METHODS, handlerName, type Route } from '../http/routes.js';

/** Nest's keys and numbers of what a handler takes, the same in all its major versions. */
const ROUTE_ARGUMENTS = '__routeArguments__';
const HEADERS = '__headers__';
const CUSTOM = '__customRouteArgs__';
const TAKEN = { response: '1', query: '4', headers: '6', session: '7', ip: '11' } as const;

interface Argument {
  readonly data?: unknown;
}

/**
 * What a cached handler and its pipes take from the request although nothing brings it into the key: they run only when nothing is stored, so that
 * one who asks may be given what was made from what another has sent. Rather silent where something was said of it.
 */
export function unkeyedInputs(
  plan: RouteConfig,
  { controller, handler, method }: Route,
  hasTenant: boolean,
): readonly string[] {
  if (plan.uncacheable !== undefined || !CACHED_METHODS.includes(method)) return [];
  const given = Reflect.getMetadata(
    ROUTE_ARGUMENTS,
    controller,
    handlerName(controller, handler),
  ) as Record<string, Argument> | undefined;
  const taken = Object.entries(given ?? {});
  const { principal, credentials, query } = plan.http;
  const bypassed = credentials === undefined || credentials === 'bypass';
  const variesByItself = taken.some(([key]) => key.startsWith(`${TAKEN.response}:`));
  const declared = [...plan.vary, ...varyOf(handler), ...(plan.hostInKey ? ['host'] : [])];
  const covers = (header: string): boolean =>
    declared.includes(header) ||
    mustBypass({ [header]: '1' }) !== undefined ||
    (plan.credentials.notInKey.includes(header) && (bypassed || principal !== undefined));
  const saidOfCustom =
    principal !== undefined || credentials !== undefined || declared.length > 0 || hasTenant;

  const unkeyed = ([key, { data }]: [string, Argument]): string | undefined => {
    const [kind = ''] = key.split(':');
    const name = typeof data === 'string' ? data : undefined;
    if (kind.endsWith(CUSTOM))
      return saidOfCustom ? undefined : "what a parameter decorator of the application's own makes";
    switch (kind) {
      case TAKEN.headers: {
        const known = name === undefined ? declared.length > 0 : covers(name.toLowerCase());
        return known || variesByItself ? undefined : shown('Headers', name);
      }
      case TAKEN.session:
        return principal !== undefined || covers('cookie') ? undefined : '@Session()';
      case TAKEN.ip:
        return principal === undefined ? '@Ip()' : undefined;
      case TAKEN.query:
        return name !== undefined && query?.includes(name) === false
          ? shown('Query', name)
          : undefined;
      default:
        return undefined;
    }
  };
  return [...new Set(taken.map(unkeyed).filter((one) => one !== undefined))];
}

export function unkeyedText({ where }: RouteConfig, inputs: readonly string[]): string {
  return (
    `${where} is cached and takes ${inputs.join(' and ')}, which its key leaves out: what is made of it is given to others, and a pipe that would refuse it does not run on a hit. ` +
    "Say it in http: headers, query or principal; or credentials: 'bypass' when a decorator takes no more than path, query and who asks."
  );
}

function shown(decorator: string, name: string | undefined): string {
  return name === undefined ? `@${decorator}()` : `@${decorator}('${name}')`;
}

/** What `@Header('Vary', ...)` names. */
function varyOf(handler: object): readonly string[] {
  const headers = (Reflect.getMetadata(HEADERS, handler) ?? []) as readonly {
    readonly name: unknown;
    readonly value: unknown;
  }[];
  return headers
    .filter(({ name }) => String(name).toLowerCase() === 'vary')
    .flatMap(({ value }) => splitList(String(value).toLowerCase()));
}
