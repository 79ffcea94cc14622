//! The steps that have to be one. Redis runs a script as a whole, and its time stands still meanwhile. A number above 10^14 would be written
//! with an exponent by Lua: fences and times are formatted.

use redis::Script;

/// The scripts, each loaded when the server does not know it.
pub struct Scripts {
    /// Keys: rates. Arguments: most and window (ms) of each. Answers whether it was counted, the number of the rate that is told
    /// of, what is left of it, and until when (ms).
    pub take: Script,
    pub give_back: Script,
    /// Keys: lease and last fence. Arguments: holder, time (ms). Answers the fence or nothing.
    pub acquire: Script,
    /// Key: lease. Arguments: fence, time (ms).
    pub renew: Script,
    pub release: Script,
    /// Key: gate. Arguments: member, most, time (ms).
    pub enter: Script,
    /// Keys: run, fence, paces, rooms. Arguments: run, fence or nothing, member, time for which a fence is kept (ms), number of paces, then
    /// interval and burst's lead (µs) of each pace, then most and time (µs) of each room. Answers a word, an index and a wait (µs).
    pub permit: Script,
    /// Keys: rooms. Arguments: member and time (µs) of each.
    pub keep: Script,
}

impl Scripts {
    pub fn new() -> Self {
        let script = |code| Script::new(code);
        Self {
            take: script(TAKE),
            give_back: script(GIVE_BACK),
            acquire: script(ACQUIRE),
            renew: script(RENEW),
            release: script(RELEASE),
            enter: script(ENTER),
            permit: script(PERMIT),
            keep: script(KEEP),
        }
    }
}

const TAKE: &str = r"
local refusing, longest = 0, -1
for i, key in ipairs(KEYS) do
  local most, window = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
  if tonumber(redis.call('GET', key) or '0') >= most then
    local left = redis.call('PTTL', key)
    if left < 0 then left = window end
    if left > longest then refusing, longest = i, left end
  end
end
if refusing > 0 then return {0, refusing, 0, longest} end
local tightest, least, resets = 0, -1, 0
for i, key in ipairs(KEYS) do
  local most, window = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
  local taken = redis.call('INCR', key)
  if redis.call('PTTL', key) < 0 then redis.call('PEXPIRE', key, window) end
  if least < 0 or most - taken < least then
    tightest, least, resets = i, most - taken, redis.call('PTTL', key)
  end
end
return {1, tightest, least, resets}
";

const GIVE_BACK: &str = r"
if tonumber(redis.call('GET', KEYS[1]) or '0') > 0 then redis.call('DECR', KEYS[1]) end
";

/// The last fence is kept a day longer than the lease: for a server whose clock is set back.
const ACQUIRE: &str = r"
local held = redis.call('HMGET', KEYS[1], 'holder', 'fence')
if held[1] then
  if held[1] ~= ARGV[1] then return false end
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  return held[2]
end
local time = redis.call('TIME')
local fence = tonumber(time[1]) * 1000000 + tonumber(time[2])
local last = tonumber(redis.call('GET', KEYS[2]) or '0')
if fence <= last then fence = last + 1 end
local text = string.format('%.0f', fence)
redis.call('HSET', KEYS[1], 'holder', ARGV[1], 'fence', text)
redis.call('PEXPIRE', KEYS[1], ARGV[2])
redis.call('SET', KEYS[2], text, 'PX', string.format('%.0f', tonumber(ARGV[2]) + 86400000))
return text
";

const RENEW: &str = r"
if redis.call('HGET', KEYS[1], 'fence') ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
";

const RELEASE: &str = r"
if redis.call('HGET', KEYS[1], 'fence') == ARGV[1] then redis.call('DEL', KEYS[1]) end
";

const ENTER: &str = r"
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now))
if not redis.call('ZSCORE', KEYS[1], ARGV[1]) and redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[2]) then return 0 end
redis.call('ZADD', KEYS[1], string.format('%.0f', now + tonumber(ARGV[3])), ARGV[1])
local last = redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')
redis.call('PEXPIREAT', KEYS[1], string.format('%.0f', tonumber(last[2])))
return 1
";

/// Microseconds have 16 digits: a number of Lua holds them exactly, and they are written without an exponent. What runs is known while the
/// key of the run names this life of the server.
const PERMIT: &str = r"
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return {'closed', 0, '0'} end
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
if ARGV[2] ~= '' and tonumber(ARGV[2]) < tonumber(redis.call('GET', KEYS[2]) or '0') then return {'fenced', 0, '0'} end
local paces = tonumber(ARGV[5])
local rooms = #KEYS - 2 - paces
local due = {}
for i = 1, paces do
  local interval, lead = tonumber(ARGV[4 + 2 * i]), tonumber(ARGV[5 + 2 * i])
  local at = math.max(now, tonumber(redis.call('GET', KEYS[2 + i]) or '0'))
  if at - now > lead then return {'soon', i - 1, string.format('%.0f', at - now - lead)} end
  due[i] = at + interval
end
local first = 5 + 2 * paces
for i = 1, rooms do
  local key = KEYS[2 + paces + i]
  redis.call('ZREMRANGEBYSCORE', key, '-inf', string.format('%.0f', now))
  if not redis.call('ZSCORE', key, ARGV[3]) and redis.call('ZCARD', key) >= tonumber(ARGV[first + 2 * i - 1]) then
    return {'full', i - 1, '0'}
  end
end
if ARGV[2] ~= '' then redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[4]) end
for i = 1, paces do
  local text = string.format('%.0f', due[i])
  redis.call('SET', KEYS[2 + i], text, 'PX', string.format('%.0f', math.ceil((due[i] - now) / 1000) + 1))
end
for i = 1, rooms do
  local key = KEYS[2 + paces + i]
  redis.call('ZADD', key, string.format('%.0f', now + tonumber(ARGV[first + 2 * i])), ARGV[3])
  local last = redis.call('ZRANGE', key, -1, -1, 'WITHSCORES')
  redis.call('PEXPIREAT', key, string.format('%.0f', math.ceil(tonumber(last[2]) / 1000) + 1))
end
return {'granted', 0, '0'}
";

const KEEP: &str = r"
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
for i, key in ipairs(KEYS) do
  redis.call('ZADD', key, string.format('%.0f', now + tonumber(ARGV[2 * i])), ARGV[2 * i - 1])
  local last = redis.call('ZRANGE', key, -1, -1, 'WITHSCORES')
  redis.call('PEXPIREAT', key, string.format('%.0f', math.ceil(tonumber(last[2]) / 1000) + 1))
end
return 1
";
