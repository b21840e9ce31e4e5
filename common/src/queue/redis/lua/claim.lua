-- Takes the first entries of a lane for a worker and counts the attempt; as a whole, so that no two workers get the
-- same one. What has become due moves to those that wait, at most 500 at a time: more would hold up everybody else.
-- ARGV: ahead, lane, worker, how many (at most 500), lease in ms. Returns id, payload, attempt, max of each.
need_memory()
local lane, worker, most = Q .. ARGV[2], ARGV[3], tonumber(ARGV[4])
local time = now()
local due = call('ZRANGEBYSCORE', lane .. ':due', '-inf', time, 'LIMIT', 0, 500)
for _, id in ipairs(due) do
  local entry = call('HMGET', Q .. 'entry:' .. id, 'priority', 'seq')
  if entry[1] then
    call('ZADD', lane .. ':waiting:' .. entry[1], entry[2], id)
  end
end
if #due > 0 then
  call('ZREMRANGEBYRANK', lane .. ':due', 0, #due - 1)
end
local claimed, ids, leases = {}, {}, {}
for priority = 0, 1 do
  local left = most - #claimed
  if left > 0 then
    local first = call('ZPOPMIN', lane .. ':waiting:' .. priority, left)
    for i = 1, #first, 2 do
      local id = first[i]
      local key = Q .. 'entry:' .. id
      local entry = call('HMGET', key, 'payload', 'attempts', 'max')
      if entry[1] then
        local attempt = entry[2] + 1
        call('HSET', key, 'state', 'running', 'worker', worker, 'attempts', attempt)
        ids[#ids + 1] = id
        leases[#leases + 1] = time + ARGV[5]
        leases[#leases + 1] = id
        claimed[#claimed + 1] = { id, entry[1], attempt, tonumber(entry[3]) }
      end
    end
  end
end
if #ids > 0 then
  call('ZADD', lane .. ':running', unpack(leases))
  call('SADD', Q .. 'worker:' .. worker, unpack(ids))
end
return claimed
