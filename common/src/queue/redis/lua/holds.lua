-- Whether a worker still holds an entry at an attempt. ARGV: ahead, id, worker, attempt. Returns 1 or 0.
local entry = call('HMGET', Q .. 'entry:' .. ARGV[2], 'state', 'worker', 'attempts')
return entry[1] == 'running' and entry[2] == ARGV[3] and entry[3] == ARGV[4] and 1 or 0
