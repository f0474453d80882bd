/** What follows an asynchronous chain of calls. */
export interface AsyncContext {
  /** Runs `task` with `value` as the current one for everything it starts. */
  run<T>(value: object, task: () => T): T;
  current(): object | undefined;
  /** Runs `task` outside of any caller's context: no request, no user, no transaction. */
  detached<T>(task: () => T): T;
}
