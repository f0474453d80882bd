/** The only source of time in the engine; tests pass a fake one. */
export interface Clock {
  /** Milliseconds since the epoch by the wall clock of this process. */
  now(): number;
  /**
   * Runs `task` once after `ms` milliseconds; the returned function cancels it. Does not keep the
   * process alive.
   */
  after(ms: number, task: () => void): () => void;
}
