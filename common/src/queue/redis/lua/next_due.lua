-- Milliseconds until the next entry of a lane; -1 for none. A script only for the server's clock. ARGV: ahead, lane.
local lane = Q .. ARGV[2]
if call('EXISTS', lane .. ':waiting:0', lane .. ':waiting:1') > 0 then
  return 0
end
local first = call('ZRANGE', lane .. ':due', 0, 0, 'WITHSCORES')
if not first[2] then
  return -1
end
return math.max(0, first[2] - now())
