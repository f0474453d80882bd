/*
 * Lua functions that are prepended to the scripts which need them, so that each script remains
 * self-contained. Numbers that may exceed 2^50 (ticks are microseconds) are written by `%.0f`:
 * Lua's own conversion keeps 14 digits only.
 */

export const TIME = `
local function time()
  local t = redis.call('TIME')
  return t[1] * 1000000 + t[2]
end
local function text(number) return string.format('%.0f', number) end
local function ms(us) return math.floor(us / 1000) end
`;

/**
 * Appends a notice that names the entry before it (`p`), so that a reader sees when one is missing.
 * ARGV[1..3]: length of the stream, how long it is kept (ms), the sender. Whatever else lies under
 * the name is replaced: readers see that as a gap.
 */
export const PUBLISH_FUNCTION = `
local previous
local function publish(stream, body)
  local first = not previous
  if first then
    local last = redis.pcall('XREVRANGE', stream, '+', '-', 'COUNT', 1)
    if last.err then redis.call('UNLINK', stream); last = {} end
    previous = last[1] and last[1][1] or '0'
  end
  previous = redis.call('XADD', stream, 'MAXLEN', '~', ARGV[1], '*',
    'p', previous, 's', ARGV[3], 'b', body)
  if first then redis.call('PEXPIRE', stream, ARGV[2]) end
  return previous
end
`;

/**
 * Marker text as in markers.ts. `read` gives nil for what it cannot read: such a marker is made
 * anew, like a missing one.
 */
export const MARKERS = `
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
    return hard and { hard = hard, soft = hard, settle = 0, combinations = {}, raw = raw } or nil
  end
  local m = { combinations = {}, raw = raw }
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
      if not (c.hard and c.soft and c.tags) or c.soft < c.hard then return nil end
      if string.find(tags, '  ', 1, true) or string.sub(tags, -1) == ' ' then return nil end
      m.combinations[#m.combinations + 1] = c
    end
  end
  return m
end
local function write(key, m, keep)
  local out
  if m.hard == m.soft and m.settle == 0 then out = text(m.hard)
  else out = text(m.hard) .. ' ' .. text(m.soft) .. ' ' .. text(m.settle) end
  for _, c in ipairs(m.combinations) do
    out = out .. '\\n' .. text(c.hard) .. ' ' .. text(c.soft) .. ' ' .. c.tags
  end
  redis.call('SET', key, out, 'PX', text(math.max(redis.call('PTTL', key), keep)))
end
local function clock(key)
  local raw = redis.pcall('GET', key)
  return type(raw) == 'string' and string.match(raw, '^%d+$') and number(raw) or nil
end
`;

/**
 * Makes what is missing of a clock, KEYS[first], and its markers, the keys after it, from the clock
 * as it is now, and prolongs what would end within `least` ms. `own` has a number for each marker:
 * how long to keep that of a tag, 0 for the others. Writes the markers to `found` under the
 * positions of their keys and returns the clock.
 */
export const ENSURE_FUNCTION = `
local function ensure(first, least, anew, own, found)
  local function prolong(key, enough, keep)
    local left = redis.call('PTTL', key)
    if left >= 0 and left < enough then redis.call('PEXPIRE', key, keep) end
  end
  local at = clock(KEYS[first])
  if at then prolong(KEYS[first], least, anew)
  else at = time(); redis.call('SET', KEYS[first], text(at), 'PX', anew) end
  local i = first
  for ms in string.gmatch(own, '%d+') do
    i = i + 1
    local enough, keep = tonumber(ms), ms
    if enough == 0 then enough, keep = least, anew end
    found[i] = read(KEYS[i])
    if found[i] then prolong(KEYS[i], enough, keep)
    else
      redis.call('SET', KEYS[i], text(at), 'PX', keep)
      found[i] = { settle = 0, raw = text(at) }
    end
  end
  return at
end
`;
