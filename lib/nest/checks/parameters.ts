import 'reflect-metadata';

/** The parameters of a function, as far as its source tells. */
export interface Parameters {
  /** How many there are, those with a default included, and a rest parameter. */
  readonly count: number;
  /** The last one takes all further arguments; or the source does not say what is taken. */
  readonly isOpen: boolean;
  /** Does the function use its parameter at this position? In doubt it does. */
  readonly uses: (position: number) => boolean;
}

/** What the function in the source of a method, or a callback, takes. */
export function parametersOf(given: object): Parameters {
  const source = Function.prototype.toString.call(given);
  const list = parameterList(source);
  if (list === undefined) {
    const { length } = given as { readonly length: number };
    return { count: length, isOpen: false, uses: (position) => position < length };
  }
  const { parameters, rest } = list;
  const isOpen = parameters.at(-1)?.startsWith('...') === true || ARGUMENTS.test(rest);
  return {
    count: parameters.length,
    isOpen,
    uses: (position) => {
      const parameter = parameters[position];
      if (parameter === undefined) return isOpen;
      const [name] = NAME.exec(parameter) ?? [];
      if (name === undefined) return !EMPTY_PATTERN.test(parameter);
      const others = parameters.filter((_, index) => index !== position).join(' ');
      return words(`${others} ${rest}`).includes(name) || ARGUMENTS.test(rest);
    },
  };
}

const NAME = /^[\p{ID_Start}$_][\p{ID_Continue}$]*/u;
const WORD = /[\p{ID_Start}$_][\p{ID_Continue}$]*/gu;
const EMPTY_PATTERN = /^(?:\{\s*\}|\[\s*\])/;
const ARGUMENTS = /(?<![\w$.])arguments(?![\w$])/;

function words(text: string): readonly string[] {
  return text.match(WORD) ?? [];
}

const ARROW_OF_ONE = /^(?:async\s+)?([\p{ID_Start}$_][\p{ID_Continue}$]*)\s*=>/u;

/** @returns undefined for a function without source: a native or a bound one */
function parameterList(
  given: string,
): { readonly parameters: readonly string[]; readonly rest: string } | undefined {
  if (/\{\s*\[native code\]\s*\}\s*$/.test(given)) return undefined;
  const source = given.replace(COMMENTS_AND_TEXTS, (found) => (found.startsWith('/') ? ' ' : "''"));
  const only = ARROW_OF_ONE.exec(source);
  if (only?.[1] !== undefined) return { parameters: [only[1]], rest: source.slice(only[0].length) };
  const parameters: string[] = [];
  let from = source.indexOf('(') + 1;
  let depth = 1;
  let at = from;
  for (; at < source.length && depth > 0; at++) {
    const character = source[at] ?? '';
    if ('([{'.includes(character)) depth++;
    else if (')]}'.includes(character)) depth--;
    if (depth > 1 || (depth === 1 && character !== ',')) continue;
    const parameter = source.slice(from, at).trim();
    if (parameter !== '') parameters.push(parameter);
    from = at + 1;
  }
  return { parameters, rest: source.slice(at) };
}

/** Comments, and texts: what they contain is no code. Template literals may contain some. */
const COMMENTS_AND_TEXTS = /\/\*[\s\S]*?\*\/|\/\/[^\n]*|'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"/g;

/**
 * What a decorated method takes. The emitted types know it also where a decorator of the
 * application has replaced the function.
 */
export function parametersOfMethod(
  method: object,
  target: object,
  name: string | symbol,
): Pick<Parameters, 'count' | 'isOpen'> {
  const { count, isOpen } = parametersOf(method);
  const types: unknown = Reflect.getMetadata('design:paramtypes', target, name);
  return Array.isArray(types)
    ? { count: types.length, isOpen: isOpen && types.length === count }
    : { count, isOpen };
}
