export interface Controller {
  readonly name: string;
  readonly prototype: unknown;
}
export type Handler = object & { readonly name: string };

/** Under which name the controller has the handler: decorators may have put a function of another name in its place. */
export function handlerName(controller: Controller, handler: Handler): string | symbol {
  for (
    let proto: unknown = controller.prototype;
    typeof proto === 'object' && proto !== null;
    proto = Object.getPrototypeOf(proto)
  ) {
    for (const key of Reflect.ownKeys(proto)) {
      if (Object.getOwnPropertyDescriptor(proto, key)?.value === handler) return key;
    }
  }
  return handler.name;
}
