-- Ends attempts, each only if the worker still holds the entry at that attempt: look and change are one, so that a late
-- worker cannot end what another has begun.
-- ARGV: ahead, worker, then id, attempt, verdict, and its delay in ms or its reason, of each. Returns 1 or 0 for each.
local worker, held = ARGV[2], {}
for i = 3, #ARGV, 4 do
  local id, verdict = ARGV[i], ARGV[i + 2]
  local key = Q .. 'entry:' .. id
  local entry = call('HMGET', key, 'worker', 'attempts', 'lane', 'priority', 'seq', 'job')
  local holds = entry[1] == worker and entry[2] == ARGV[i + 1]
  held[#held + 1] = holds and 1 or 0
  if holds then
    local lane = Q .. entry[3]
    call('ZREM', lane .. ':running', id)
    call('SREM', Q .. 'worker:' .. worker, id)
    if verdict == 'done' then
      call('DEL', key)
      call('SREM', Q .. 'job:' .. entry[6], id)
    else
      call('HDEL', key, 'worker')
      if verdict == 'dead' then
        call('HSET', key, 'state', 'dead', 'reason', ARGV[i + 3])
        call('ZADD', lane .. ':dead', now(), id)
      else
        call('HSET', key, 'state', 'queued')
        if verdict == 'retry' then
          local due = now() + ARGV[i + 3]
          call('HSET', key, 'since', due)
          call('ZADD', lane .. ':due', due, id)
        else
          call('HINCRBY', key, 'attempts', -1)
          call('ZADD', lane .. ':waiting:' .. entry[4], entry[5], id)
        end
        tell('wake ' .. entry[3])
      end
    end
  end
end
return held
