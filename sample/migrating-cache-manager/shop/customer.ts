/** Stands for the check of a token: `Authorization: Bearer ann` is Ann. */
export function customerOf(authorization: unknown): string {
  return /^Bearer (\w+)$/.exec(String(authorization))?.[1] ?? 'nobody';
}
