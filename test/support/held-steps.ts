/** Steps of which some wait: for tests that need one certain order. */
export class HeldSteps {
  readonly #held: { readonly label: string; readonly go: () => void }[] = [];
  #patterns: string[] = [];

  readonly step = (label: string): Promise<void> => {
    if (!this.#patterns.some((pattern) => label.includes(pattern))) return Promise.resolve();
    return new Promise((go) => {
      this.#held.push({ label, go });
    });
  };

  /** From now on, steps with this in their label wait. */
  hold(pattern: string): void {
    this.#patterns.push(pattern);
  }

  /** Those that wait go on waiting; later ones do not. */
  letPass(pattern: string): void {
    this.#patterns = this.#patterns.filter((held) => held !== pattern);
  }

  release(pattern: string): void {
    this.#patterns = this.#patterns.filter((held) => held !== pattern);
    for (const { label, go } of this.#held) if (label.includes(pattern)) go();
  }

  releaseAll(): void {
    this.#patterns = [];
    for (const { go } of this.#held) go();
  }
}
