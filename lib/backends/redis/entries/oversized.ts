import type { BackendProblem } from '../../../ports/backend.js';
import type { NamespaceParts } from './batch.js';
import { REMOVE_OVERSIZED } from './scripts.js';

/** Room for the header of an entry: its key and tags. */
const HEADER_BYTES = 128 * 1024;
const MAX_SUSPECTS = 1_000;

/**
 * Keys whose read was not answered. The reason may be a value that is too large to be read in time
 * (bytes of another application, say), which would fail the reads of all other keys as well, again
 * and again. So the size of such a value is looked at before it is read once more, and what is
 * larger than any entry is removed.
 */
export class OversizedValues {
  /** Of what is stored for a key. */
  readonly maxBytes: number;
  readonly #suspects = new Map<string, Promise<void> | undefined>();

  constructor(
    private readonly parts: Pick<NamespaceParts, 'names' | 'scripts'>,
    /** Of the encoded value, in bytes. */
    private readonly maxValueBytes: number,
    private readonly report: (problem: BackendProblem) => void,
  ) {
    this.maxBytes = maxValueBytes + HEADER_BYTES;
  }

  suspect(keys: readonly string[]): void {
    if (this.#suspects.size + keys.length > MAX_SUSPECTS) this.#suspects.clear();
    for (const key of keys) this.#suspects.set(key, undefined);
  }

  /** For nearly every read: undefined, at once. */
  checkFirst(key: string): Promise<void> | undefined {
    if (this.#suspects.size === 0 || !this.#suspects.has(key)) return undefined;
    let checking = this.#suspects.get(key);
    if (checking === undefined)
      this.#suspects.set(
        key,
        (checking = this.#check(key).finally(() => this.#suspects.delete(key))),
      );
    return checking;
  }

  async #check(key: string): Promise<void> {
    const { names, scripts } = this.parts;
    if (this.maxBytes === Infinity) return;
    const args = [String(this.maxBytes)];
    const bytes = Number(await scripts.run(REMOVE_OVERSIZED, [names.value(key)], args));
    if (bytes === 0) return;
    const error = new RangeError(
      `A value of ${String(bytes)} bytes was removed: maxValueBytes ` +
        `(${String(this.maxValueBytes)}) lets no entry be that large, and reads of others wait ` +
        'for it. Give the cache a namespace of its own.',
    );
    this.report({ operation: 'read', error });
  }
}
