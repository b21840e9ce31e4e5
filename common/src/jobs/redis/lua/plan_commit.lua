-- Makes a plan that was written aside the plan of its batch and queues the first pictures, or the end if there is none;
-- as a whole, so that nobody sees half a plan. Of a batch that was cancelled meanwhile all are left out.
-- ARGV: ahead, id, attempt, how many, notes, how many to queue, feed. Returns 1, or 0 if it must be written again.
local id, attempt, total, feed = ARGV[2], ARGV[3], tonumber(ARGV[4]), feed_from(7)
local key = record_key(id)
local plan, labels = items_key(id, 'plan:' .. attempt), items_key(id, 'labels:' .. attempt)
if call('EXISTS', key) == 0 or call('HEXISTS', key, 'total') == 1 then
  call('UNLINK', plan, labels)
  return 1
end
if call('HLEN', plan) ~= total then
  return 0
end
if total > 0 then
  call('RENAME', plan, items_key(id, 'plan'))
  call('RENAME', labels, items_key(id, 'labels'))
  call('PERSIST', items_key(id, 'plan'))
  call('PERSIST', items_key(id, 'labels'))
end
call('HSET', key, 'total', total, 'cursor', 0, 'notes', ARGV[5])
if is_live(call('HGET', key, 'state')) then
  refill(id, tonumber(ARGV[6]), feed)
  finish_if_through(id, feed)
else
  leave_out(id, 'cancelled')
end
tell('changed ' .. id)
return 1
