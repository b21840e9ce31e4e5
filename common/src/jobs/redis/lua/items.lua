-- A page of the pictures of a batch, in order, without reading the others; as a whole, so that a picture that moves
-- meanwhile is there once. ARGV: ahead, id, status or '' for all, first index, how many (at most 500).
-- Returns index, status, plan, name or '', end or '' of each.
local id, wanted, from, limit = ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
local record = call('HMGET', record_key(id), 'total', 'cursor', 'left_from', 'left_as')
if not record[1] or limit == 0 then
  return {}
end
local total, left_from = tonumber(record[1]), tonumber(record[3] or record[1])
local indexes = {}
local function add_range(first)
  for index = math.max(from, first), math.min(total, math.max(from, first) + limit - #indexes) - 1 do
    indexes[#indexes + 1] = index
  end
end
if wanted == '' then
  add_range(0)
elseif wanted == 'pending' then
  add_range(tonumber(record[2]))
else
  for _, index in ipairs(call('ZRANGEBYSCORE', items_key(id, 'in:' .. wanted), from, '+inf', 'LIMIT', 0, limit)) do
    indexes[#indexes + 1] = tonumber(index)
  end
  if record[4] == wanted then
    add_range(left_from)
  end
end
if #indexes == 0 then
  return {}
end
local statuses = call('HMGET', items_key(id, 'status'), unpack(indexes))
local plans = call('HMGET', items_key(id, 'plan'), unpack(indexes))
local names = call('HMGET', items_key(id, 'name'), unpack(indexes))
local ends = call('HMGET', items_key(id, 'done'), unpack(indexes))
local page = {}
for i, index in ipairs(indexes) do
  local status = statuses[i] or (index >= left_from and record[4]) or 'pending'
  page[i] = { index, status, plans[i] or '', names[i] or '', ends[i] or '' }
end
return page
