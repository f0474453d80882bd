export interface Patch {
  readonly file: string;
  /** `name`, `Class.method`, `Class.#method` or a getter. */
  readonly function?: string;
  readonly body?: string;
  /** The constant of a Lua script. */
  readonly script?: string;
  /** Has to match once in that script. */
  readonly edit?: readonly [RegExp, string];
}

export declare function applyPatch(source: string, patch: Patch): string;
export declare function syntaxErrors(name: string, source: string): readonly string[];
