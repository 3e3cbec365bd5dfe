"""The scripts that a Redis or Valkey runs. Each names all its keys, is done at once, and checks everything before it writes."""

from __future__ import annotations

import hashlib
from typing import NamedTuple


class Script(NamedTuple):
    """A script, and the digest that a server knows it by."""

    text: str
    sha1: str


def _script(text: str) -> Script:
    return Script(text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest())


# KEYS: expected, limits, puts, sets. ARGV: a character for each expected key (1: it has a value), how many limits, puts and
# scores, `now`, the time to live of sets, then the expected values, the limits, value and time to live of each put (0: delete),
# and for each score the number of its set, the score (empty: remove) and the item. What takes memory is written first: a server
# that is full refuses only the first write of a script.
COMMIT = _script("""
local flags, limits, puts, scores = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local key, arg = 0, 6
for i = 1, #flags do
  key = key + 1
  local value = redis.call('GET', KEYS[key])
  if flags:byte(i) == 49 then
    arg = arg + 1
    if value ~= ARGV[arg] then return 1 end
  elseif value then return 1 end
end
local limited = key
for _ = 1, limits do
  key, arg = key + 1, arg + 1
  if redis.call('ZCOUNT', KEYS[key], ARGV[5], '+inf') >= tonumber(ARGV[arg]) then return 2 end
end
local deleted = {}
for _ = 1, puts do
  key, arg = key + 1, arg + 2
  if ARGV[arg] == '0' then deleted[#deleted + 1] = KEYS[key]
  else redis.call('SET', KEYS[key], ARGV[arg - 1], 'PX', ARGV[arg]) end
end
for _, name in ipairs(deleted) do redis.call('DEL', name) end
for i = 1, limits do redis.call('ZREMRANGEBYSCORE', KEYS[limited + i], '-inf', '(' .. ARGV[5]) end
for _ = 1, scores do
  arg = arg + 3
  local set = KEYS[key + tonumber(ARGV[arg - 2])]
  if ARGV[arg - 1] == '' then redis.call('ZREM', set, ARGV[arg])
  else redis.call('ZADD', set, ARGV[arg - 1], ARGV[arg]) end
end
for i = key + 1, #KEYS do redis.call('PEXPIRE', KEYS[i], ARGV[6]) end
return 0
""")

# KEYS: the set. ARGV: until, lease_until, limit.
TAKE = _script("""
local items = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, ARGV[3])
for _, item in ipairs(items) do redis.call('ZADD', KEYS[1], ARGV[2], item) end
return items
""")

# KEYS: the log. ARGV: how many to keep, the time to live, the entries. The newest entry is never trimmed, so the stream itself
# knows the last number: a counter beside it could be evicted without it.
APPEND = _script("""
local newest = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
local last = newest and tonumber(newest[1]:match('^%d+')) or 0
for i = 3, #ARGV do
  last = last + 1
  redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[1], string.format('%.0f-0', last), 'e', ARGV[i])
end
if #ARGV > 2 then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return last
""")

# KEYS: the log. Answers with two numbers and no entry.
BOUNDS = _script("""
local oldest = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)[1]
if not oldest then return {1, 0} end
local newest = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
return {tonumber(oldest[1]:match('^%d+')), tonumber(newest[1]:match('^%d+'))}
""")
