/** What follows an asynchronous chain of calls. */
export interface AsyncContext {
  /** Runs `task` with `value` as the current one of everything it starts, until it has settled. */
  run<T>(value: object, task: () => Promise<T>): Promise<T>;
  /** As `run`, until `end` is called. */
  enter<T>(value: object, task: (end: () => void) => T): T;
  current(): object | undefined;
  /** Runs `task` outside of any caller's context: no request, no user, no transaction. */
  runOutside<T>(task: () => T): T;
}
