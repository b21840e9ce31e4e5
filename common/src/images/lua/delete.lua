-- Removes a record with all that leads to it; a second time changes nothing. ARGV: prefix, its member of the sets, its id.
recount(KEYS[2], KEYS[4], KEYS[5], KEYS[6])
local kept = call('HMGET', KEYS[1], 'first', 'latest')
if not kept[1] then
  return
end
add(KEYS[4], 'bytes', -bytes_of(kept[2] or kept[1]))
add(KEYS[4], 'pictures', -1)
call('ZREM', KEYS[5], ARGV[3])
for _, set in ipairs({ 2, 3, 6, 7 }) do
  if KEYS[set] then
    call('ZREM', KEYS[set], ARGV[2])
  end
end
call('DEL', KEYS[1])
