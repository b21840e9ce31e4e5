-- Gives back entries of a lane whose lease has run out; look and change are one, so that a renewal comes before or
-- after. At most 500 at a time. ARGV: ahead, lane, the caller, whose own stay. Returns how many.
need_memory()
local count = 0
for _, id in ipairs(call('ZRANGEBYSCORE', Q .. ARGV[2] .. ':running', '-inf', now(), 'LIMIT', 0, 500)) do
  if call('HGET', Q .. 'entry:' .. id, 'worker') ~= ARGV[3] then
    requeue(id)
    count = count + 1
  end
end
if count > 0 then
  tell('wake ' .. ARGV[2])
end
return count
