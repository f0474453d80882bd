import 'reflect-metadata';

/**
 * What the decorators of Nest's transports leave on a method or its class. The names are written
 * out here so that none of those packages has to be installed.
 */
const RESOLVER_TYPE = 'graphql:resolver_type';
const RESOLVER_PROPERTY = 'graphql:resolve_property';
const PATTERN_TYPE = 'microservices:handler_type';
const PARAMETERS = '__routeArguments__';

export type Transport =
  | 'query'
  | 'mutation'
  | 'subscription'
  | 'field'
  | 'message'
  | 'event-pattern'
  | 'command-handler'
  | 'event-handler'
  | 'query-handler'
  | 'saga';

/** The transport that calls the method; undefined for HTTP routes and other methods. */
export function transportOf(method: object, host: object, name: string): Transport | undefined {
  switch (Reflect.getMetadata(RESOLVER_TYPE, method) as unknown) {
    case 'Query':
      return 'query';
    case 'Mutation':
      return 'mutation';
    case 'Subscription':
      return 'subscription';
  }
  if (Reflect.getMetadata(RESOLVER_PROPERTY, method) !== undefined) return 'field';
  const pattern: unknown = Reflect.getMetadata(PATTERN_TYPE, method);
  if (pattern === 1) return 'message';
  if (pattern === 2) return 'event-pattern';
  if (name === 'execute' && Reflect.hasMetadata('__commandHandler__', host))
    return 'command-handler';
  if (name === 'execute' && Reflect.hasMetadata('__queryHandler__', host)) return 'query-handler';
  if (name === 'handle' && Reflect.hasMetadata('__eventsHandler__', host)) return 'event-handler';
  const sagas: unknown = Reflect.getMetadata('__saga__', host);
  return Array.isArray(sagas) && sagas.includes(name) ? 'saga' : undefined;
}

/** What a transport passes as an argument, beside the data of the caller. */
export type Injected = 'parent' | 'context' | 'info';

const GRAPHQL: Readonly<Record<string, Injected>> = { '0': 'parent', '1': 'context', '2': 'info' };
const MESSAGES: Readonly<Record<string, Injected>> = { '6': 'context', '9': 'context' };

/**
 * The arguments of a handler that are not the caller's data, by position. A handler whose
 * parameters have no decorators gets what the transport itself passes: `(parent, args, context,
 * info)` or `(payload, context)`.
 */
export function injectedInto(
  transport: Transport,
  host: object,
  name: string,
): ReadonlyMap<number, Injected> {
  const names =
    transport === 'message'
      ? MESSAGES
      : transport === 'query' || transport === 'field'
        ? GRAPHQL
        : {};
  const injected = new Map<number, Injected>();
  const parameters = Reflect.getMetadata(PARAMETERS, host, name) as object | undefined;
  if (parameters === undefined) {
    if (transport === 'message') injected.set(1, 'context');
    else if (names === GRAPHQL) injected.set(0, 'parent').set(2, 'context').set(3, 'info');
    return injected;
  }
  for (const key of Object.keys(parameters)) {
    const [type = '', index = ''] = key.split(':');
    const what = names[type];
    if (what !== undefined) injected.set(Number(index), what);
  }
  return injected;
}
