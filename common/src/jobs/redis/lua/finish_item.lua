-- Writes how a picture ended, breaks the batch off after too many failures, queues the next pictures, and with the last
-- one the end of the batch; as a whole, so that the counters are right and the end is queued exactly once.
-- ARGV: ahead, id, index, status, JSON, bytes in, bytes out, most failures or -1, feed.
local id, index, feed = ARGV[2], ARGV[3], feed_from(9)
local key = record_key(id)
local before = call('HGET', items_key(id, 'status'), index)
if before ~= 'queued' and before ~= 'running' then
  return
end
call('ZREM', items_key(id, 'in:' .. before), index)
put(id, index, ARGV[4])
call('HSET', items_key(id, 'done'), index, ARGV[5])
call('HINCRBY', key, ARGV[4], 1)
call('HINCRBY', key, 'bytes_in', ARGV[6])
call('HINCRBY', key, 'bytes_out', ARGV[7])
local running = tonumber(call('HGET', key, 'running') or 0)
if before == 'running' then
  running = call('HINCRBY', key, 'running', -1)
end
local most = tonumber(ARGV[8])
if most >= 0 and tonumber(call('HGET', key, 'failed') or 0) >= most then
  withdraw(id, feed.cpu)
  leave_out(id, 'skipped')
end
-- One for the one that is through, and more if more workers take part than it was planned for.
local queued = call('ZCARD', items_key(id, 'in:queued'))
refill(id, math.max(1, 4 * running - queued), feed)
finish_if_through(id, feed)
-- Whoever waits hears of it four times a second at most, however fast pictures come through.
local time = now()
if time - tonumber(call('HGET', key, 'told_at') or 0) >= 250 then
  call('HSET', key, 'told_at', time)
  tell('changed ' .. id)
end
