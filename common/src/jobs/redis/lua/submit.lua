-- Joins the identical call that is still running, or writes the record of new work and puts it into its queue; look and
-- write are one, so that of two identical calls one joins the other. A joined job is shared: it is not dropped because
-- one caller goes. Repeating the call changes nothing.
-- ARGV: ahead, id, owner, fingerprint, kind, work, lane, max, payload, most jobs of the owner that are not over.
-- Returns the id of the job that answers, or '' if there are too many.
local id, owner = ARGV[2], ARGV[3]
local live = J .. 'live:' .. ARGV[4] .. ':' .. owner
local running = call('GET', live)
if running and is_live(call('HGET', record_key(running), 'state')) then
  if running ~= id then
    call('HSET', record_key(running), 'shared', 1)
  end
  return running
end
if call('EXISTS', record_key(id)) == 1 then
  return id
end
if call('SCARD', open_key(owner)) >= tonumber(ARGV[10]) then
  return ''
end
call('SADD', open_key(owner), id)
call('HSET', record_key(id), 'owner', owner, 'kind', ARGV[5], 'state', 'queued', 'fingerprint', ARGV[4],
  'work', ARGV[6], 'created_at', now())
call('SET', live, id)
enqueue(id, id, ARGV[7], 0, ARGV[8], ARGV[9])
tell('wake ' .. ARGV[7])
return id
