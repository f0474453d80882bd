import type { OutgoingHeaders } from '../../http/headers.js';

type Value = number | string | readonly string[];

/** Status and headers that a handler sets while the response it was given belongs to another answer. */
export class Aside {
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

/** Where a write to a response goes at this moment; undefined: to the response. */
export type AsideOf = () => Aside | undefined;

type Method = (aside: Aside, ...given: never[]) => unknown;

const OF_RESPONSE = {
  getHeader: (aside: Aside, name: string) => aside.get(name),
  getHeaders: (aside: Aside) => aside.outgoing(),
  getHeaderNames: (aside: Aside) => aside.names(),
  hasHeader: (aside: Aside, name: string) => aside.has(name),
  setHeader(aside: Aside, name: string, value: Value) {
    aside.set(name, value);
    return ITSELF;
  },
  appendHeader(aside: Aside, name: string, value: string | readonly string[]) {
    aside.append(name, value);
    return ITSELF;
  },
  removeHeader(aside: Aside, name: string) {
    aside.remove(name);
  },
} as const;

/** Fastify keeps headers beside those of the response; its status is that of the response. */
const OF_REPLY = {
  getHeader: OF_RESPONSE.getHeader,
  getHeaders: OF_RESPONSE.getHeaders,
  hasHeader: OF_RESPONSE.hasHeader,
  header(aside: Aside, name: string, value: Value = '') {
    if (name.toLowerCase() === 'set-cookie')
      aside.append(name, typeof value === 'number' ? String(value) : value);
    else aside.set(name, value);
    return ITSELF;
  },
  type(aside: Aside, value: string) {
    aside.set('content-type', value);
    return ITSELF;
  },
  removeHeader(aside: Aside, name: string) {
    aside.remove(name);
    return ITSELF;
  },
} as const;

/** Stands for the object that a method was called on. */
const ITSELF = Symbol('itself');

/** Divides what is said about a response of Node.js. */
export function divertResponse(response: object, asideOf: AsideOf): void {
  divert(response, OF_RESPONSE, asideOf);
  divertStatus(response, asideOf);
}

/** Divides what is said about a reply of Fastify, without the response in it. */
export function divertReply(reply: object, asideOf: AsideOf): void {
  divert(reply, OF_REPLY, asideOf);
}

function divert(target: object, methods: Readonly<Record<string, Method>>, asideOf: AsideOf): void {
  for (const [name, method] of Object.entries(methods)) {
    const own = Reflect.get(target, name) as ((...given: unknown[]) => unknown) | undefined;
    // Older platforms may not have it.
    if (typeof own !== 'function') continue;
    define(target, name, {
      writable: true,
      value(this: object, ...given: never[]): unknown {
        const aside = asideOf();
        if (aside === undefined) return own.apply(this, given);
        const result = method(aside, ...given);
        return result === ITSELF ? this : result;
      },
    });
  }
}

function divertStatus(response: object, asideOf: AsideOf): void {
  // A plain property in HTTP/1, an accessor of the prototype in HTTP/2.
  const inherited = accessorOf(response, 'statusCode');
  let status = Reflect.get(response, 'statusCode') as number;
  define(response, 'statusCode', {
    get(this: object): unknown {
      return (
        asideOf()?.status ?? (inherited?.get === undefined ? status : inherited.get.call(response))
      );
    },
    set(this: object, value: number) {
      const aside = asideOf();
      if (aside !== undefined) aside.status = value;
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

function define(target: object, name: string, what: PropertyDescriptor): void {
  Object.defineProperty(target, name, { ...what, configurable: true, enumerable: true });
}
