export const corrections: ReadonlyMap<string, object>;
