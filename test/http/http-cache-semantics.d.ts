/** What the specs use of it: its manifest names its JavaScript as its types. */
declare module 'http-cache-semantics' {
  class CachePolicy {
    constructor(
      request: {
        readonly url: string;
        readonly method: string;
        readonly headers: Readonly<Record<string, string>>;
      },
      response: { readonly status: number; readonly headers: Readonly<Record<string, string>> },
      options: { readonly shared: boolean; readonly cacheHeuristic: number },
    );
    storable(): boolean;
    timeToLive(): number;
  }
  export = CachePolicy;
}
