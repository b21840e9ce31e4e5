-- Writes a part of a plan aside, where it expires unless plan_commit.lua takes it. Once a plan is there it stays.
-- ARGV: ahead, id, attempt, index of the first, then JSON and label of each. Returns 1, or 0 if none is wanted.
local id, attempt, index = ARGV[2], ARGV[3], tonumber(ARGV[4])
local key = record_key(id)
if call('EXISTS', key) == 0 or call('HEXISTS', key, 'total') == 1 then
  return 0
end
local plan, labels = items_key(id, 'plan:' .. attempt), items_key(id, 'labels:' .. attempt)
for i = 5, #ARGV, 2 do
  call('HSET', plan, index, ARGV[i])
  call('SADD', labels, ARGV[i + 1])
  index = index + 1
end
call('EXPIRE', plan, 3600)
call('EXPIRE', labels, 3600)
return 1
