import type { Patch } from './apply.mjs';

export declare const SPECS: readonly string[];
export declare const mutants: readonly {
  readonly name: string;
  readonly patches: readonly Patch[];
  readonly specs?: readonly string[];
}[];
