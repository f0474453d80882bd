// Client options by which a user can bound what a Redis that does not answer costs. They are not
// these libraries' defaults or advice: they are tried so that the table shows what can be had.
export const limitedIoRedis = {
  commandTimeout: 250,
  maxRetriesPerRequest: 1,
  enableOfflineQueue: false,
};
export const limitedNodeRedis = {
  disableOfflineQueue: true,
  commandOptions: { timeout: 250 },
  socket: { socketTimeout: 500, connectTimeout: 500, reconnectStrategy: () => 100 },
};
