-- How many entries wait that somebody waits for, and for how many milliseconds the first of them has; as a script only
-- for the server's clock. ARGV: ahead, lanes.
local waiting, longest = 0, 0
for i = 2, #ARGV do
  local key = Q .. ARGV[i] .. ':waiting:0'
  waiting = waiting + call('ZCARD', key)
  local first = call('ZRANGE', key, 0, 0)[1]
  local since = first and call('HGET', Q .. 'entry:' .. first, 'since')
  if since then
    longest = math.max(longest, now() - since)
  end
end
return { waiting, longest }
