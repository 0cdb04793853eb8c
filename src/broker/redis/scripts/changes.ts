/** The microseconds of Redis's clock. */
export const CLOCK = `
local function clock()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000000 + tonumber(time[2])
end
`;

/** The milliseconds of Redis's clock. */
export const NOW_MS = `${CLOCK}
local function nowMs() return math.floor(clock() / 1000) end
`;

/**
 * Numbers the changes of a topic, for scripts with the keys `version` and `channel`. The numbers grow by time as well
 * as by one, so that a Redis that has lost some, or all, never gives one again. A change is told with the number before
 * it, so that a node notices one it has missed.
 */
export const CHANGES = `${CLOCK}
local function change(kind, tail)
  local previous = redis.call('GET', version) or '0'
  local number = string.format('%.0f', math.max(clock(), tonumber(previous) + 1))
  redis.call('SET', version, number)
  publish(channel, kind .. previous .. ' ' .. number .. ' ' .. tail)
end
`;

/** The sum of a hash's values. */
export const SUM = `
local function sum(key)
  local total = 0
  for _, count in ipairs(redis.call('HVALS', key)) do total = total + tonumber(count) end
  return total
end
`;
