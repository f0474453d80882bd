import { splitList } from '../../http/headers.js';
import type { RouteConfig } from '../http/route.js';
import { CACHED_METHODS, handlerName, type Route } from '../http/routes.js';
import { isHeaderCovered } from '../http/vary.js';

/**
 * Nest's metadata keys of handlers and its numbers of their parameters, the same in all its major
 * versions.
 */
const ROUTE_ARGUMENTS = '__routeArguments__';
const HEADERS = '__headers__';
const CUSTOM = '__customRouteArgs__';
const TAKEN = {
  request: '0',
  query: '4',
  headers: '6',
  session: '7',
  host: '10',
  ip: '11',
} as const;

/** Something that a handler takes from the request and that its key leaves out, or a part of it. */
export interface UnkeyedInput {
  /** As it is written in `http.knownInputs`. */
  readonly name: string;
  /** What it is, where the name does not say it. */
  readonly meaning?: string;
  readonly option: Option;
}

/** The option of `http` that brings an input into the key, with the name to add to it. */
interface Option {
  readonly kind: 'headers' | 'query' | 'host' | 'principal';
  readonly value?: string;
}

/** Only the developer knows which parts of it the handler reads. */
const SOME = '...';

/**
 * Inputs of a cached handler and its pipes that are not part of its key. They are read only when
 * nothing is stored, so a client may be given what was made from the input of another. Each is
 * judged by itself: what a route declares about one says nothing about the others.
 */
export function unkeyedInputs(config: RouteConfig, route: Route): readonly UnkeyedInput[] {
  if (config.uncacheable !== undefined || !CACHED_METHODS.includes(route.method)) return [];
  const known = new Set(config.http.knownInputs?.map((name) => name.toLowerCase()));
  const found = new Map<string, UnkeyedInput>();
  for (const input of allUnkeyed(config, route))
    if (!known.has(input.name.toLowerCase())) found.set(input.name, input);
  return [...found.values()];
}

function* allUnkeyed(config: RouteConfig, route: Route): Iterable<UnkeyedInput> {
  const { controller, handler, requestScoped } = route;
  const name = handlerName(controller, handler);
  const given = (Reflect.getMetadata(ROUTE_ARGUMENTS, controller, name) ?? {}) as Readonly<
    Record<string, { readonly data?: unknown }>
  >;
  const varied = varyOf(handler);
  for (const [key, { data }] of Object.entries(given)) {
    const [kind = '', index] = key.split(':');
    const input = kind.endsWith(CUSTOM)
      ? customInput(Number(index) + 1)
      : unkeyedInput(config, varied, kind, typeof data === 'string' ? data : undefined);
    if (input !== undefined) yield input;
  }
  if (requestScoped) {
    const meaning = 'what its class, which is made for each request, takes from the request';
    yield { name: '@Inject(REQUEST)', meaning, option: { kind: 'headers', value: SOME } };
  }
}

function customInput(position: number): UnkeyedInput {
  return {
    name: `parameter ${String(position)}`,
    meaning: "what a decorator of the application's own makes",
    option: { kind: 'principal' },
  };
}

/** @param varied the headers that the response names in `Vary`, in lower case */
function unkeyedInput(
  config: RouteConfig,
  varied: readonly string[],
  kind: string,
  name: string | undefined,
): UnkeyedInput | undefined {
  const { principal, query } = config.http;
  const covers = (header: string): boolean =>
    varied.includes(header) || isHeaderCovered(config, header);
  switch (kind) {
    case TAKEN.request:
      return { name: '@Req()', option: { kind: 'headers', value: SOME } };
    case TAKEN.headers:
      return name !== undefined && covers(name.toLowerCase())
        ? undefined
        : {
            name: decoratorText('Headers', name),
            option: { kind: 'headers', value: name?.toLowerCase() ?? SOME },
          };
    case TAKEN.session:
      return principal !== undefined || covers('cookie')
        ? undefined
        : { name: '@Session()', option: { kind: 'principal' } };
    case TAKEN.ip:
      return { name: '@Ip()', option: { kind: 'principal' } };
    case TAKEN.host:
      return config.hostInKey
        ? undefined
        : { name: decoratorText('HostParam', name), option: { kind: 'host' } };
    case TAKEN.query:
      return query === undefined || (name !== undefined && query.includes(name))
        ? undefined
        : { name: decoratorText('Query', name), option: { kind: 'query', value: name ?? SOME } };
    default:
      return undefined;
  }
}

/** Names what is not in the key, with the options to paste. */
export function unkeyedInputsMessage(
  { where, http }: RouteConfig,
  inputs: readonly UnkeyedInput[],
): string {
  const taken = inputs.map(({ name, meaning }) =>
    meaning === undefined ? name : `${name} (${meaning})`,
  );
  const names = inputs.map(({ name }) => (name.includes("'") ? `"${name}"` : `'${name}'`));
  const known = [...(http.knownInputs ?? []).map((name) => JSON.stringify(name)), ...names];
  return (
    `${where} is cached and takes ${taken.join(' and ')}, which its key leaves out: what is made ` +
    'of it is given to others, and a pipe that would refuse it does not run on a hit. Say what ' +
    `the answer depends on: http: { ${optionsText(http, inputs)} }. If it depends on nothing ` +
    `there that the key does not hold: http: { knownInputs: [${known.join(', ')}] }.`
  );
}

/** With what the route declares already, so that pasting it takes nothing away. */
function optionsText(http: RouteConfig['http'], inputs: readonly UnkeyedInput[]): string {
  const valuesFor = (kind: Option['kind']): readonly string[] =>
    inputs.flatMap(({ option }) =>
      option.kind === kind && option.value !== undefined ? [option.value] : [],
    );
  const list = (kind: 'headers' | 'query'): readonly string[] => {
    const added = valuesFor(kind);
    if (added.length === 0) return [];
    const all = [...new Set([...(http[kind] ?? []), ...added])].sort(placeholderLast);
    return [`${kind}: [${all.map((value) => `'${value}'`).join(', ')}]`];
  };
  const has = (kind: Option['kind']): boolean => inputs.some(({ option }) => option.kind === kind);
  return [
    ...list('headers'),
    ...list('query'),
    ...(has('host') ? ['host: true'] : []),
    ...(has('principal') ? ['principal: (request) => ...'] : []),
  ].join(', ');
}

function placeholderLast(one: string, other: string): number {
  return Number(one === SOME) - Number(other === SOME);
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
