// One process of an application: a library in one of its set-ups. It does what the parent says; its
// database is the parent.
const [contender, setupName] = process.argv.slice(2);
const { library } = await import(contender);
const setup = library.setups.find(({ name }) => name === setupName);

let nextLoad = 0;
const loads = new Map();
const database = {
  load(key) {
    const id = nextLoad++;
    return new Promise((resolve, reject) => {
      loads.set(id, { resolve, reject });
      process.send({ load: id, key });
    });
  },
};

let cache;
let unhandled = 0;
process.on('unhandledRejection', () => unhandled++);
process.on('uncaughtException', () => unhandled++);
process.on('warning', () => undefined);

const settle = (promise) =>
  Promise.resolve(promise).then(
    (value) => ({ value: value === undefined ? null : value }),
    (error) => ({ error: String(error?.message ?? error) }),
  );

/** Changes what it was given, as careless code does. */
function spoil(value) {
  try {
    value.rows.push('spoiled');
    value.v = -1;
  } catch {
    return 'frozen';
  }
  return 'changed';
}

const operations = {
  async open(options) {
    if (cache !== undefined)
      await Promise.race([
        settle(cache.close()),
        new Promise((resolve) => setTimeout(resolve, 300)),
      ]);
    cache = await setup.open({ ...options, load: (key) => database.load(key) });
    return Object.keys(cache);
  },
  read: async ({ key, tags }) => settle(Promise.resolve().then(() => cache.read(key, tags))),
  readMany: async ({ key, callers }) => {
    const results = await Promise.all(
      Array.from({ length: callers }, () => settle(Promise.resolve().then(() => cache.read(key)))),
    );
    return { failed: results.filter((result) => 'error' in result).length };
  },
  spoil: async ({ key }) => {
    const first = await cache.read(key);
    const firstSpoiled = spoil(first);
    const second = structuredClone(await cache.read(key));
    const hit = await cache.read(key);
    const hitSpoiled = spoil(hit);
    const third = structuredClone(await cache.read(key));
    return { firstSpoiled, second, hitSpoiled, third };
  },
  delete: ({ key }) => cache.delete(key),
  invalidateTag: ({ tag }) => cache.invalidateTag(tag),
  clear: () => cache.clear(),
  unhandled: () => unhandled,
  async close() {
    await Promise.race([
      settle(cache?.close()),
      new Promise((resolve) => setTimeout(resolve, 300)),
    ]);
    process.exit(0);
  },
};

process.on('message', async (message) => {
  if ('loaded' in message) {
    const { resolve, reject } = loads.get(message.loaded);
    loads.delete(message.loaded);
    if ('error' in message) reject(new Error(message.error));
    else resolve(message.value === 'undefined' ? undefined : message.value);
    return;
  }
  try {
    const result = await operations[message.operation](message);
    process.send({
      done: message.id,
      result: message.operation === 'open' || typeof result !== 'object' ? result : { ...result },
    });
  } catch (error) {
    process.send({ done: message.id, error: String(error?.message ?? error) });
  }
});
process.on('disconnect', () => process.exit(0));
process.send({ ready: true });
