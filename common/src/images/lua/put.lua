-- Writes a record; one step: a record that stands in no set would never be listed. The time of the first stays, so the
-- sets do too. ARGV: prefix, the record, its member of the sets, its id, the most bytes of the owner or ''.
-- Returns -1, or the bytes that are used if it would be too much.
recount(KEYS[2], KEYS[4], KEYS[5], KEYS[6])
local kept = call('HMGET', KEYS[1], 'first', 'latest')
local before = kept[1] and bytes_of(kept[2] or kept[1]) or 0
local more = bytes_of(ARGV[2]) - before
local used = tonumber(call('HGET', KEYS[4], 'bytes') or 0)
if ARGV[5] ~= '' and more > 0 and used + more > tonumber(ARGV[5]) then
  return used
end
add(KEYS[4], 'bytes', more)
if kept[1] then
  call('HSET', KEYS[1], 'latest', ARGV[2])
  return -1
end
call('HSET', KEYS[1], 'first', ARGV[2])
add(KEYS[4], 'pictures', 1)
call('ZADD', KEYS[5], 0, ARGV[4])
for _, set in ipairs({ 2, 3, 6, 7 }) do
  if KEYS[set] then
    call('ZADD', KEYS[set], 0, ARGV[3])
  end
end
return -1
