import { ENSURE_FUNCTION, MARKERS, PUBLISH_FUNCTION, TIME } from './script-functions.js';
import { MIN_MARKER_TTL_MS } from '../../../ports/groups.js';
import type { Script } from './script-runner.js';

/* Every change that must not be seen half done is one script. */

/**
 * KEYS lease, waiters, settle of each item. ARGV token, lease ms, overtaken token ('': none) of
 * each. Returns the time (ms), then for each item the ms left of its settle window when leased, or
 * the token and the ms left of the lease that is held. What is no lease is replaced.
 */
export const LEASE: Script = {
  name: 'lease',
  source: `${TIME}
local out, settle = { ms(time()) }, {}
for i = 3, #KEYS, 3 do settle[#settle + 1] = KEYS[i] end
local settling = redis.call('EXISTS', unpack(settle)) > 0
for i = 3, #KEYS, 3 do
  local key, token, last = KEYS[i - 2], ARGV[i - 2], ARGV[i - 1]
  local held = not redis.call('SET', key, token, 'PX', last, 'NX') and redis.pcall('GET', key)
  if held and (type(held) ~= 'string' or held == token or held == ARGV[i]) then
    redis.call('SET', key, token, 'PX', last)
    held = nil
  end
  if held then
    local left = math.max(redis.call('PTTL', key), 0)
    redis.call('SET', KEYS[i - 1], '1', 'PX', left + 60000)
    out[#out + 1] = { held, left }
  else
    out[#out + 1] = settling and math.max(redis.call('PTTL', KEYS[i]), 0) or 0
  end
end
return out`,
};

/** KEYS leases. ARGV lease and its ms, of each. Returns for each whether it is still held. */
export const RENEW: Script = {
  name: 'renew',
  source: `
local out = {}
for i, key in ipairs(KEYS) do
  local held = redis.pcall('GET', key) == ARGV[i * 2 - 1]
  out[i] = held and redis.call('PEXPIRE', key, ARGV[i * 2]) or 0
end
return out`,
};

/**
 * KEYS lease, waiters of each item, [stream]. ARGV publish x3, token and notice of each. Returns
 * for each item 1 when waiters have yet to be notified.
 */
export const RELEASE: Script = {
  name: 'release',
  allowOutOfMemory: true,
  source: `${PUBLISH_FUNCTION}
local count = math.floor(#KEYS / 2)
local stream, out = KEYS[count * 2 + 1], {}
for i = 1, count do
  local waited = 0
  if redis.pcall('GET', KEYS[i * 2 - 1]) == ARGV[i * 2 + 2] then
    waited = redis.call('UNLINK', KEYS[i * 2 - 1], KEYS[i * 2]) - 1
    if waited == 1 and stream then publish(stream, ARGV[i * 2 + 3]); waited = 0 end
  end
  out[i] = waited
end
return out`,
};

/**
 * Needs `items`, how many; `keys` and `args`, what stands before theirs; `window`, given the last
 * argument of an item. Leases are read and removed by one call for all items, but each is compared
 * with the token of its own item.
 */
const FILL_ITEMS = `
local leases, waiters, filled, out = {}, {}, {}, {}
for i = 1, items do leases[i], waiters[i] = KEYS[keys + i * 3 - 1], KEYS[keys + i * 3] end
local stream = KEYS[keys + items * 3 + 1]
local held = redis.call('MGET', unpack(leases))
local waited = redis.call('EXISTS', unpack(waiters)) > 0
for i = 1, items do
  local last = args + i * 5
  if held[i] ~= ARGV[last - 4] or filled[leases[i]] then out[i] = 0
  else
    local settling = window(ARGV[last])
    if settling then out[i] = settling
    else
      redis.call('SET', KEYS[keys + i * 3 - 2], ARGV[last - 2], 'PX', ARGV[last - 1])
      out[i], filled[leases[i]] = 1, true
      filled[#filled + 1] = leases[i]
      if waited and redis.call('UNLINK', waiters[i]) == 1 then
        if stream then publish(stream, ARGV[last - 3]) else out[i] = 2 end
      end
    end
  end
end
if #filled > 0 then redis.call('UNLINK', unpack(filled)) end
return out`;

/**
 * KEYS value, lease, waiters of each item, [stream]. ARGV publish x3, number of items; token,
 * notice, payload, its ms, '' of each. Returns for each item 0 when the lease is not held, 1 when
 * stored, 2 when stored and waiters have yet to be notified.
 */
export const FILL: Script = {
  name: 'fill',
  source: `${PUBLISH_FUNCTION}
local keys, args, items = 0, 4, tonumber(ARGV[4])
local function window() end
${FILL_ITEMS}`,
};

/**
 * As FILL, and before that as ENSURE. KEYS clock and markers of each scope; then as FILL. ARGV
 * publish x3, number of items, number of scopes; number of names, and as for ENSURE, of each scope;
 * then as FILL, with a last argument of each item that
 * is '' or `MOMENT I J ...`: refused when a settle window of the markers KEYS[I], KEYS[J], ... ends
 * after that moment. Returns as FILL; for an item refused like that the end of the window, as text.
 */
export const FILL_AND_ENSURE: Script = {
  name: 'fill',
  source: `${TIME}${MARKERS}${ENSURE_FUNCTION}${PUBLISH_FUNCTION}
local keys, args, items, markers = 0, 5 + ARGV[5] * 4, tonumber(ARGV[4]), {}
for i = 6, args, 4 do
  ensure(keys + 1, tonumber(ARGV[i + 1]), ARGV[i + 2], ARGV[i + 3], markers)
  keys = keys + ARGV[i]
end
local function window(check)
  local moment, latest
  for number in string.gmatch(check, '%d+') do
    if moment then latest = math.max(latest, markers[tonumber(number)].settle)
    else moment, latest = tonumber(number), 0 end
  end
  return moment and latest > moment and text(latest)
end
${FILL_ITEMS}`,
};

/**
 * KEYS value, lease, waiters, [stream]. ARGV publish x3, notice, payload, its ms, a lease ('':
 * none), the latest time at which it may still be done (ms). Returns 1 when done, 0 when too late,
 * -1 when the lease is not held. Without a lease nothing else fences a set: one that a healed
 * network delivers late, on a connection that was given up, would bring back what was deleted
 * since.
 */
export const SET: Script = {
  name: 'set',
  source: `${TIME}${PUBLISH_FUNCTION}
if ms(time()) > tonumber(ARGV[8]) then return 0 end
if ARGV[7] ~= '' and redis.pcall('GET', KEYS[2]) ~= ARGV[7] then return -1 end
redis.call('SET', KEYS[1], ARGV[5], 'PX', ARGV[6])
redis.call('UNLINK', KEYS[2], KEYS[3])
if KEYS[4] then publish(KEYS[4], ARGV[4]) end
return 1`,
};

/**
 * KEYS value, lease, waiters, settle of each key, [stream]. ARGV publish x3, settle ms, notices.
 */
export const DELETE: Script = {
  name: 'delete',
  allowOutOfMemory: true,
  source: `${PUBLISH_FUNCTION}
local count = math.floor(#KEYS / 4)
for i = 0, count - 1 do
  redis.call('UNLINK', KEYS[i * 4 + 1], KEYS[i * 4 + 2], KEYS[i * 4 + 3])
end
local settle = tonumber(ARGV[4])
if settle > 0 then
  for i = 1, count do
    local key = KEYS[i * 4]
    redis.call('SET', key, '1', 'PX', math.max(redis.call('PTTL', key), settle))
  end
end
local stream = KEYS[count * 4 + 1]
if stream then for i = 5, #ARGV do publish(stream, ARGV[i]) end end
return 1`,
};

/**
 * KEYS clock, markers. ARGV ms to keep at least, ms to keep when it is made or prolonged, for each
 * marker its own ms, or 0 where those before count. Returns the time (ms), the clock, the markers'
 * texts.
 */
export const ENSURE: Script = {
  name: 'ensure',
  source: `${TIME}${MARKERS}${ENSURE_FUNCTION}
local markers = {}
local at = ensure(1, tonumber(ARGV[1]), ARGV[2], ARGV[3], markers)
local out = { text(ms(time())), text(at) }
for i = 2, #KEYS do out[i + 1] = markers[i].raw end
return out`,
};

/**
 * KEYS clock, markers (with match 'all' that of the first tag only), [stream]. ARGV publish x3,
 * number of markers, 'hard' or 'soft', settle ms, ms to keep each of them, combination ('' when
 * match is 'any'), most combinations, heads of the notices. Returns the time, the tick, the end of
 * the window.
 */
export const INVALIDATE: Script = {
  name: 'invalidate',
  allowOutOfMemory: true,
  source: `${TIME}${MARKERS}${PUBLISH_FUNCTION}
local now, before, count = time(), clock(KEYS[1]), tonumber(ARGV[4])
local tick = before and math.max(now, before + 1) or now
local found = {}
for i = 1, count do
  local m = read(KEYS[i + 1])
  found[i] = m or false
  if m then tick = math.max(tick, m.soft + 1) end
end
local hard, settle, keep = ARGV[5] == 'hard', tonumber(ARGV[6]), {}
for ms in string.gmatch(ARGV[7], '%d+') do keep[#keep + 1] = tonumber(ms) end
local until_ = settle > 0 and ms(now) + settle or 0
redis.call('SET', KEYS[1], text(tick), 'PX',
  text(math.max(redis.call('PTTL', KEYS[1]), ${String(MIN_MARKER_TTL_MS)})))
for i = 1, count do
  local m = found[i]
  if not m then
    local since = before or tick
    m = { hard = since, soft = since, settle = 0, combinations = {} }
  end
  m.settle = math.max(m.settle, until_)
  if ARGV[8] == '' then
    m.soft = tick
    if hard then m.hard = tick; m.combinations = {} end
  else
    local mine
    for _, c in ipairs(m.combinations) do if c.tags == ARGV[8] then mine = c end end
    if not mine then
      mine = { hard = 0, tags = ARGV[8] }
      m.combinations[#m.combinations + 1] = mine
    end
    mine.soft = tick
    if hard then mine.hard = tick end
    if #m.combinations > tonumber(ARGV[9]) then
      for _, c in ipairs(m.combinations) do m.hard = math.max(m.hard, c.hard) end
      m.soft = tick
      m.combinations = {}
    end
  end
  write(KEYS[i + 1], m, keep[i])
end
local stream = KEYS[count + 2]
local tail = text(tick) .. ',"until":' .. text(until_) .. '}'
if stream then for i = 10, #ARGV do publish(stream, ARGV[i] .. tail) end end
return { text(ms(now)), text(tick), text(until_) }`,
};

/** KEYS stream. ARGV publish x3, notices. Returns the id of the last one. */
export const PUBLISH: Script = {
  name: 'tell',
  allowOutOfMemory: true,
  source: `${PUBLISH_FUNCTION}
local id
for i = 4, #ARGV do id = publish(KEYS[1], ARGV[i]) end
return id`,
};

/**
 * KEYS value. ARGV most bytes. Removes a string that is longer. Returns its length, or 0 when
 * nothing was removed.
 */
export const REMOVE_OVERSIZED: Script = {
  name: 'remove',
  allowOutOfMemory: true,
  source: `
local bytes = redis.pcall('STRLEN', KEYS[1])
if type(bytes) ~= 'number' or bytes <= tonumber(ARGV[1]) then return 0 end
redis.call('UNLINK', KEYS[1])
return bytes`,
};

/** KEYS any name on the node whose clock is meant. Returns its time in ms. */
export const SERVER_TIME: Script = { name: 'time', source: `${TIME} return text(ms(time()))` };
