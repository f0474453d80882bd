export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export const PENDING = Symbol('pending');

/** What the promise comes to within this time, or PENDING. */
export async function within(ms, promise) {
  let timer;
  const late = new Promise((resolve) => (timer = setTimeout(resolve, ms, PENDING)));
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
