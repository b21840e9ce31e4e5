-- Marks a job as running, unless it is over; look and change are one. ARGV: ahead, id. Returns 1, or 0 if it is over.
local key = record_key(ARGV[2])
local state = call('HGET', key, 'state')
if state == 'queued' then
  call('HSET', key, 'state', 'running')
  call('HSETNX', key, 'started_at', now())
  tell('changed ' .. ARGV[2])
end
return is_live(state) and 1 or 0
