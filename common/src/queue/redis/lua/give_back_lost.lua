-- Gives back what a worker holds in a lane without knowing of it, because the answer to a claim got lost: it would renew
-- the lease for ever. Look and change are one. The attempt does not count: it was never begun.
-- ARGV: ahead, worker, lane, then the ids it knows of. Returns how many.
local known, count = {}, 0
for i = 4, #ARGV do
  known[ARGV[i]] = true
end
for _, id in ipairs(call('SMEMBERS', Q .. 'worker:' .. ARGV[2])) do
  local key = Q .. 'entry:' .. id
  if not known[id] and call('HGET', key, 'lane') == ARGV[3] then
    call('HINCRBY', key, 'attempts', -1)
    requeue(id)
    count = count + 1
  end
end
if count > 0 then
  tell('wake ' .. ARGV[3])
end
return count
