-- Renews the leases of a worker; as a whole, so that none runs out in between.
-- ARGV: ahead, worker, lease in ms. Returns how many.
need_memory()
local until_ms, count = now() + ARGV[3], 0
for _, id in ipairs(call('SMEMBERS', Q .. 'worker:' .. ARGV[2])) do
  local lane = call('HGET', Q .. 'entry:' .. id, 'lane')
  if lane then
    call('ZADD', Q .. lane .. ':running', 'XX', until_ms, id)
    count = count + 1
  end
end
return count
