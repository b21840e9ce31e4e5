-- Removes all that there is of a job; its entries 500 at a time, the record last, so that an interrupted sweep finds it
-- again. Large keys are freed in the background. ARGV: ahead, id. Returns 1 if more is left.
local id = ARGV[2]
for _, entry in ipairs(call('SRANDMEMBER', Q .. 'job:' .. id, 500)) do
  remove(entry)
end
if call('EXISTS', Q .. 'job:' .. id) == 1 then
  return 1
end
local record = call('HMGET', record_key(id), 'fingerprint', 'owner')
if record[1] then
  local live = J .. 'live:' .. record[1] .. ':' .. record[2]
  if call('GET', live) == id then
    call('DEL', live)
  end
  call('SREM', open_key(record[2]), id)
end
for _, part in ipairs({ 'plan', 'labels', 'status', 'name', 'names', 'done' }) do
  call('UNLINK', items_key(id, part))
end
for _, status in ipairs({ 'queued', 'running', 'ok', 'failed', 'skipped', 'cancelled' }) do
  call('UNLINK', items_key(id, 'in:' .. status))
end
call('ZREM', J .. 'ended', id)
call('UNLINK', record_key(id))
return 0
