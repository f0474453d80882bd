import { splitList } from '../../http/headers.js';
import { mustBypass } from '../../http/request.js';
import type { RouteConfig } from '../http/route.js';
import { CACHED_METHODS, handlerName, type Route } from '../http/routes.js';

/**
 * Nest's metadata keys of handlers and its numbers of their parameters, the same in all its major
 * versions.
 */
const ROUTE_ARGUMENTS = '__routeArguments__';
const HEADERS = '__headers__';
const CUSTOM = '__customRouteArgs__';
const TAKEN = { response: '1', query: '4', headers: '6', session: '7', ip: '11' } as const;

interface Argument {
  readonly data?: unknown;
}

/**
 * Inputs of a cached handler and its pipes that are not part of its key. They are read only when
 * nothing is stored, so a client may be given what was made from the input of another. In doubt,
 * and where the route declares something about an input, it is not reported.
 */
export function unkeyedInputs(
  config: RouteConfig,
  { controller, handler, method }: Route,
  hasTenant: boolean,
): readonly string[] {
  if (config.uncacheable !== undefined || !CACHED_METHODS.includes(method)) return [];
  const given = Reflect.getMetadata(
    ROUTE_ARGUMENTS,
    controller,
    handlerName(controller, handler),
  ) as Record<string, Argument> | undefined;
  const taken = Object.entries(given ?? {});
  const { principal, credentials, query } = config.http;
  const bypassed = credentials === undefined || credentials === 'bypass';
  const variesByItself = taken.some(([key]) => key.startsWith(`${TAKEN.response}:`));
  const declared = [...config.vary, ...varyOf(handler), ...(config.hostInKey ? ['host'] : [])];
  const covers = (header: string): boolean =>
    declared.includes(header) ||
    mustBypass({ [header]: '1' }) !== undefined ||
    (config.credentials.notInKey.includes(header) && (bypassed || principal !== undefined));
  const coversCustom =
    principal !== undefined || credentials !== undefined || declared.length > 0 || hasTenant;

  const unkeyed = ([key, { data }]: [string, Argument]): string | undefined => {
    const [kind = ''] = key.split(':');
    const name = typeof data === 'string' ? data : undefined;
    if (kind.endsWith(CUSTOM))
      return coversCustom ? undefined : "what a parameter decorator of the application's own makes";
    switch (kind) {
      case TAKEN.headers: {
        const known = name === undefined ? declared.length > 0 : covers(name.toLowerCase());
        return known || variesByItself ? undefined : decoratorText('Headers', name);
      }
      case TAKEN.session:
        return principal !== undefined || covers('cookie') ? undefined : '@Session()';
      case TAKEN.ip:
        return principal === undefined ? '@Ip()' : undefined;
      case TAKEN.query:
        return name !== undefined && query?.includes(name) === false
          ? decoratorText('Query', name)
          : undefined;
      default:
        return undefined;
    }
  };
  return [...new Set(taken.map(unkeyed).filter((one) => one !== undefined))];
}

export function unkeyedInputsMessage({ where }: RouteConfig, inputs: readonly string[]): string {
  return (
    `${where} is cached and takes ${inputs.join(' and ')}, which its key leaves out: what is ` +
    'made of it is given to others, and a pipe that would refuse it does not run on a hit. ' +
    "Say it in http: headers, query or principal; or credentials: 'bypass' when a decorator " +
    'takes no more than path, query and who asks.'
  );
}

function decoratorText(decorator: string, name: string | undefined): string {
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
