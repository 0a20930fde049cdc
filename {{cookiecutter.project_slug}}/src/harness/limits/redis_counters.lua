-- Takes every amount or none; ARGV: whether only to count, then seconds, quota, amount and sliding of each key.
-- Gives the time, what was used of each before, and the count of each window now.
local clock = redis.call('TIME')
local now = clock[1] + clock[2] / 1000000
local enough = true
local used = {}
local counts = {}
for i, key in ipairs(KEYS) do
  local seconds, quota, amount = tonumber(ARGV[i * 4 - 2]), tonumber(ARGV[i * 4 - 1]), tonumber(ARGV[i * 4])
  local window = math.floor(now / seconds)
  counts[i] = tonumber(redis.call('GET', key .. ':' .. window) or 0)
  used[i] = counts[i]
  if ARGV[i * 4 + 1] == '1' then
    local before = tonumber(redis.call('GET', key .. ':' .. (window - 1)) or 0)
    used[i] = used[i] + math.ceil(before * (1 - (now % seconds) / seconds))
  end
  enough = enough and used[i] + amount <= quota
end
if enough or ARGV[1] == '1' then
  for i, key in ipairs(KEYS) do
    local seconds = tonumber(ARGV[i * 4 - 2])
    local name = key .. ':' .. math.floor(now / seconds)
    counts[i] = redis.call('INCRBY', name, ARGV[i * 4])
    if counts[i] < 0 then
      redis.call('SET', name, 0)
      counts[i] = 0
    end
    redis.call('EXPIRE', name, seconds * 2)
  end
end
return {tostring(now), used, counts}
