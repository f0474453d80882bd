import type { Script } from './script-runner.js';

/*
 * Every change that must not be seen half done is one script. Numbers that may exceed 2^50 (ticks are microseconds) are written by
 * `%.0f`: Lua's own conversion keeps 14 digits only. The common parts are prepended so that each script remains self-contained.
 */

const TIME = `
local function time()
  local t = redis.call('TIME')
  return t[1] * 1000000 + t[2]
end
local function text(number) return string.format('%.0f', number) end
local function ms(us) return math.floor(us / 1000) end
`;

/**
 * Appends a notice that names the entry before it (`p`), so that a reader sees when one is missing. ARGV[1..3]: length of the stream, how long
 * it is kept (ms), who speaks. Whatever else lies under the name is replaced: readers see that as a gap.
 */
const ANNOUNCE = `
local function announce(stream, body)
  local last = redis.pcall('XREVRANGE', stream, '+', '-', 'COUNT', 1)
  if last.err then redis.call('UNLINK', stream); last = {} end
  local before = last[1] and last[1][1] or '0'
  local id = redis.call('XADD', stream, 'MAXLEN', '~', ARGV[1], '*', 'p', before, 's', ARGV[3], 'b', body)
  redis.call('PEXPIRE', stream, ARGV[2])
  return id
end
`;

/** Marker text as in marker-text.ts. `read` gives nil for what it cannot read: such a marker is made anew, like a missing one. */
const MARKERS = `
local function number(digits)
  if not digits or #digits > 16 then return nil end
  local n = tonumber(digits)
  if n and n <= 9007199254740991 then return n end
  return nil
end
local function read(key)
  local raw = redis.pcall('GET', key)
  if type(raw) ~= 'string' then return nil end
  if string.match(raw, '^%d+$') then
    local hard = number(raw)
    return hard and { hard = hard, soft = hard, settle = 0, combos = {}, raw = raw } or nil
  end
  local m = { combos = {}, raw = raw }
  local first = true
  for line in string.gmatch(raw .. '\\n', '([^\\n]*)\\n') do
    if first then
      local h, s, u = string.match(line, '^(%d+) (%d+) (%d+)$')
      if not h then h, s, u = string.match(line, '^(%d+)$'), string.match(line, '^(%d+)$'), '0' end
      m.hard, m.soft, m.settle = number(h), number(s), number(u)
      if not (m.hard and m.soft and m.settle) or m.soft < m.hard then return nil end
      first = false
    else
      local h, s, tags = string.match(line, '^(%d+) (%d+) ([^ ].*)$')
      local c = { hard = number(h), soft = number(s), tags = tags }
      if not (c.hard and c.soft and c.tags) or c.soft < c.hard or string.find(tags, '  ', 1, true) or string.sub(tags, -1) == ' ' then return nil end
      m.combos[#m.combos + 1] = c
    end
  end
  return m
end
local function write(key, m, keep)
  local out
  if m.hard == m.soft and m.settle == 0 then out = text(m.hard)
  else out = text(m.hard) .. ' ' .. text(m.soft) .. ' ' .. text(m.settle) end
  for _, c in ipairs(m.combos) do out = out .. '\\n' .. text(c.hard) .. ' ' .. text(c.soft) .. ' ' .. c.tags end
  redis.call('SET', key, out, 'PX', text(math.max(redis.call('PTTL', key), keep)))
end
local function clock(key)
  local raw = redis.pcall('GET', key)
  return type(raw) == 'string' and string.match(raw, '^%d+$') and number(raw) or nil
end
`;

/** KEYS value, lease, waiters, settle. ARGV lease, its ms, dead lease, bytes of the seen value (-1: none, -2: any), its first 128 bytes. */
export const ACQUIRE: Script = {
  name: 'acquire',
  source: `${TIME}
local now = text(ms(time()))
local length = redis.call('STRLEN', KEYS[1])
if length > 0 and ARGV[4] ~= '-2' and (length ~= tonumber(ARGV[4]) or redis.call('GETRANGE', KEYS[1], 0, 127) ~= ARGV[5]) then
  return { now, 'found', redis.call('GET', KEYS[1]) }
end
local held = redis.call('GET', KEYS[2])
if held and held ~= ARGV[3] and held ~= ARGV[1] then
  local left = math.max(redis.call('PTTL', KEYS[2]), 0)
  redis.call('SET', KEYS[3], '1', 'PX', left + 60000)
  return { now, 'held', held, left }
end
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
return { now, 'leased', math.max(redis.call('PTTL', KEYS[4]), 0) }`,
};

/** KEYS leases. ARGV lease and its ms, of each. Returns for each whether it is still held. */
export const RENEW: Script = {
  name: 'renew',
  source: `
local out = {}
for i, key in ipairs(KEYS) do
  local held = redis.call('GET', key) == ARGV[i * 2 - 1]
  out[i] = held and redis.call('PEXPIRE', key, ARGV[i * 2]) or 0
end
return out`,
};

/** KEYS lease, waiters, [stream]. ARGV announce x3, lease, notice. Returns whether somebody waited whom nobody has told yet. */
export const RELEASE: Script = {
  name: 'release',
  allowOutOfMemory: true,
  source: `${ANNOUNCE}
if redis.call('GET', KEYS[1]) ~= ARGV[4] then return 0 end
redis.call('UNLINK', KEYS[1])
local waited = redis.call('UNLINK', KEYS[2])
if waited == 1 and KEYS[3] then announce(KEYS[3], ARGV[5]); return 0 end
return waited`,
};

/** KEYS value, lease, waiters, [stream]. ARGV announce x3, lease, notice, payload, its ms. Returns stored?, somebody still to be told? */
export const FILL: Script = {
  name: 'fill',
  source: `${ANNOUNCE}
if redis.call('GET', KEYS[2]) ~= ARGV[4] then return { 0, 0 } end
redis.call('SET', KEYS[1], ARGV[6], 'PX', ARGV[7])
redis.call('UNLINK', KEYS[2])
local waited = redis.call('UNLINK', KEYS[3])
if waited == 1 and KEYS[4] then announce(KEYS[4], ARGV[5]); waited = 0 end
return { 1, waited }`,
};

/**
 * KEYS value, lease, waiters, [stream]. ARGV announce x3, notice, payload, its ms, a lease ('': none), the latest time at which it may still be done
 * (ms). Returns 1 when done, 0 when too late, -1 when the lease is not held. Without a lease nothing else fences a set: one that a healed network
 * delivers late, on a connection that was given up, would bring back what was deleted since.
 */
export const SET: Script = {
  name: 'set',
  source: `${TIME}${ANNOUNCE}
if ms(time()) > tonumber(ARGV[8]) then return 0 end
if ARGV[7] ~= '' and redis.call('GET', KEYS[2]) ~= ARGV[7] then return -1 end
redis.call('SET', KEYS[1], ARGV[5], 'PX', ARGV[6])
redis.call('UNLINK', KEYS[2], KEYS[3])
if KEYS[4] then announce(KEYS[4], ARGV[4]) end
return 1`,
};

/** KEYS value, lease, waiters, settle of each key, [stream]. ARGV announce x3, settle ms, notices. */
export const DELETE: Script = {
  name: 'delete',
  allowOutOfMemory: true,
  source: `${ANNOUNCE}
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
if stream then for i = 5, #ARGV do announce(stream, ARGV[i]) end end
return 1`,
};

/** KEYS clock, markers. ARGV ms to keep at least, ms to keep when it has to be said anew. Returns the time, the clock, the markers' texts. */
export const ENSURE: Script = {
  name: 'ensure',
  source: `${TIME}${MARKERS}
local now = time()
local at = clock(KEYS[1])
local function keep(key)
  local left = redis.call('PTTL', key)
  if left >= 0 and left < tonumber(ARGV[1]) then redis.call('PEXPIRE', key, ARGV[2]) end
end
if at then keep(KEYS[1]) else at = now; redis.call('SET', KEYS[1], text(at), 'PX', ARGV[2]) end
local out = { text(ms(now)), text(at) }
for i = 2, #KEYS do
  local m = read(KEYS[i])
  if m then keep(KEYS[i]); out[#out + 1] = m.raw
  else redis.call('SET', KEYS[i], text(at), 'PX', ARGV[2]); out[#out + 1] = text(at) end
end
return out`,
};

/**
 * KEYS clock, markers (with match 'all' that of the first tag only), [stream]. ARGV announce x3, number of markers, 'hard' or 'soft', settle ms,
 * ms to keep, combination ('' when match is 'any'), most combinations, heads of the notices. Returns the time, the tick, the end of the window.
 */
export const INVALIDATE: Script = {
  name: 'invalidate',
  allowOutOfMemory: true,
  source: `${TIME}${MARKERS}${ANNOUNCE}
local now, before, count = time(), clock(KEYS[1]), tonumber(ARGV[4])
local tick = before and math.max(now, before + 1) or now
local found = {}
for i = 1, count do
  local m = read(KEYS[i + 1])
  found[i] = m or false
  if m then tick = math.max(tick, m.soft + 1) end
end
local hard, settle, keep = ARGV[5] == 'hard', tonumber(ARGV[6]), tonumber(ARGV[7])
local until_ = settle > 0 and ms(now) + settle or 0
redis.call('SET', KEYS[1], text(tick), 'PX', text(math.max(redis.call('PTTL', KEYS[1]), keep)))
for i = 1, count do
  local m = found[i]
  if not m then
    local since = before or tick
    m = { hard = since, soft = since, settle = 0, combos = {} }
  end
  m.settle = math.max(m.settle, until_)
  if ARGV[8] == '' then
    m.soft = tick
    if hard then m.hard = tick; m.combos = {} end
  else
    local mine
    for _, c in ipairs(m.combos) do if c.tags == ARGV[8] then mine = c end end
    if not mine then mine = { hard = 0, tags = ARGV[8] }; m.combos[#m.combos + 1] = mine end
    mine.soft = tick
    if hard then mine.hard = tick end
    if #m.combos > tonumber(ARGV[9]) then
      for _, c in ipairs(m.combos) do m.hard = math.max(m.hard, c.hard) end
      m.soft = tick
      m.combos = {}
    end
  end
  write(KEYS[i + 1], m, keep)
end
local stream = KEYS[count + 2]
local tail = text(tick) .. ',"until":' .. text(until_) .. '}'
if stream then for i = 10, #ARGV do announce(stream, ARGV[i] .. tail) end end
return { text(ms(now)), text(tick), text(until_) }`,
};

/** KEYS stream. ARGV announce x3, notices. Returns the id of the last one. */
export const TELL: Script = {
  name: 'tell',
  allowOutOfMemory: true,
  source: `${ANNOUNCE}
local id
for i = 4, #ARGV do id = announce(KEYS[1], ARGV[i]) end
return id`,
};

/** KEYS any name on the node whose clock is meant. Returns its time in ms. */
export const TELL_TIME: Script = { name: 'time', source: `${TIME} return text(ms(time()))` };
