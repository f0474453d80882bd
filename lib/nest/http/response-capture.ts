import type { OutgoingHeaders } from '../../http/headers.js';

type Value = number | string | readonly string[];

/** Status and headers that a handler run sets after the request was answered without it. */
export class CapturedResponse {
  readonly #headers = new Map<string, Value>();

  constructor(
    headers: OutgoingHeaders,
    public status: number,
  ) {
    for (const [name, value] of Object.entries(headers))
      if (value !== undefined) this.set(name, value);
  }

  outgoing(): Record<string, Value> {
    return Object.fromEntries(this.#headers);
  }

  names(): string[] {
    return [...this.#headers.keys()];
  }

  get(name: string): Value | undefined {
    return this.#headers.get(name.toLowerCase());
  }

  has(name: string): boolean {
    return this.#headers.has(name.toLowerCase());
  }

  set(name: string, value: Value): void {
    this.#headers.set(name.toLowerCase(), value);
  }

  append(name: string, value: string | readonly string[]): void {
    this.set(name, [this.get(name) ?? [], value].flat().map(String));
  }

  remove(name: string): void {
    this.#headers.delete(name.toLowerCase());
  }
}

/** The capture that a write belongs to at this moment; undefined: write to the response itself. */
export type CurrentCapture = () => CapturedResponse | undefined;

type Method = (captured: CapturedResponse, ...given: never[]) => unknown;

const RESPONSE_METHODS = {
  getHeader: (captured: CapturedResponse, name: string) => captured.get(name),
  getHeaders: (captured: CapturedResponse) => captured.outgoing(),
  getHeaderNames: (captured: CapturedResponse) => captured.names(),
  hasHeader: (captured: CapturedResponse, name: string) => captured.has(name),
  setHeader(captured: CapturedResponse, name: string, value: Value) {
    captured.set(name, value);
    return SELF;
  },
  appendHeader(captured: CapturedResponse, name: string, value: string | readonly string[]) {
    captured.append(name, value);
    return SELF;
  },
  removeHeader(captured: CapturedResponse, name: string) {
    captured.remove(name);
  },
} as const;

/** A Fastify reply has headers of its own; its status is that of the response. */
const REPLY_METHODS = {
  getHeader: RESPONSE_METHODS.getHeader,
  getHeaders: RESPONSE_METHODS.getHeaders,
  hasHeader: RESPONSE_METHODS.hasHeader,
  header(captured: CapturedResponse, name: string, value: Value = '') {
    if (name.toLowerCase() === 'set-cookie')
      captured.append(name, typeof value === 'number' ? String(value) : value);
    else captured.set(name, value);
    return SELF;
  },
  type(captured: CapturedResponse, value: string) {
    captured.set('content-type', value);
    return SELF;
  },
  removeHeader(captured: CapturedResponse, name: string) {
    captured.remove(name);
    return SELF;
  },
} as const;

/** The result of methods that return the object they were called on. */
const SELF = Symbol('self');

/** Redirects writes to a response of Node.js. */
export function captureResponse(response: object, current: CurrentCapture): void {
  redirectMethods(response, RESPONSE_METHODS, current);
  redirectStatus(response, current);
}

/** Redirects writes to a Fastify reply, but not those to the response in it. */
export function captureReply(reply: object, current: CurrentCapture): void {
  redirectMethods(reply, REPLY_METHODS, current);
}

function redirectMethods(
  target: object,
  methods: Readonly<Record<string, Method>>,
  current: CurrentCapture,
): void {
  for (const [name, method] of Object.entries(methods)) {
    const own = Reflect.get(target, name) as ((...given: unknown[]) => unknown) | undefined;
    // Not every platform version has all of these methods.
    if (typeof own !== 'function') continue;
    define(target, name, {
      writable: true,
      value(this: object, ...given: never[]): unknown {
        const captured = current();
        if (captured === undefined) return own.apply(this, given);
        const result = method(captured, ...given);
        return result === SELF ? this : result;
      },
    });
  }
}

function redirectStatus(response: object, current: CurrentCapture): void {
  // A plain property in HTTP/1, an accessor of the prototype in HTTP/2.
  const inherited = accessorOf(response, 'statusCode');
  let status = Reflect.get(response, 'statusCode') as number;
  define(response, 'statusCode', {
    get(this: object): unknown {
      return (
        current()?.status ?? (inherited?.get === undefined ? status : inherited.get.call(response))
      );
    },
    set(this: object, value: number) {
      const captured = current();
      if (captured !== undefined) captured.status = value;
      else if (inherited?.set === undefined) status = value;
      else inherited.set.call(response, value);
    },
  });
}

function accessorOf(target: object, name: string): PropertyDescriptor | undefined {
  for (let at: object | null = target; at !== null; at = Reflect.getPrototypeOf(at)) {
    const found = Reflect.getOwnPropertyDescriptor(at, name);
    if (found !== undefined) return found.get === undefined ? undefined : found;
  }
  return undefined;
}

function define(target: object, name: string, descriptor: PropertyDescriptor): void {
  Object.defineProperty(target, name, { ...descriptor, configurable: true, enumerable: true });
}
