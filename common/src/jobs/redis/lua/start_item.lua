-- Marks a picture as being worked on, unless it is through; look and change are one.
-- ARGV: ahead, id, index. Returns its plan and its name or '', or nothing.
local id, index = ARGV[2], ARGV[3]
local status = call('HGET', items_key(id, 'status'), index)
if status == 'queued' then
  call('ZREM', items_key(id, 'in:queued'), index)
  put(id, index, 'running')
  call('HINCRBY', record_key(id), 'running', 1)
elseif status ~= 'running' then
  return {}
end
return { call('HGET', items_key(id, 'plan'), index), call('HGET', items_key(id, 'name'), index) or '' }
