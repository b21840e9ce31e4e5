-- Claims a name for the result of a picture, and gives up the one it had; look and change are one, so that no two
-- pictures get the same. ARGV: ahead, id, index, name. Returns 1, or 0 if another has it.
local id, index, name = ARGV[2], ARGV[3], ARGV[4]
if call('HEXISTS', items_key(id, 'plan'), index) == 0 then
  return 0
end
local holder = call('HGET', items_key(id, 'names'), name)
if holder and holder ~= index then
  return 0
end
local before = call('HGET', items_key(id, 'name'), index)
if before and before ~= name then
  call('HDEL', items_key(id, 'names'), before)
end
call('HSET', items_key(id, 'names'), name, index)
call('HSET', items_key(id, 'name'), index, name)
return 1
