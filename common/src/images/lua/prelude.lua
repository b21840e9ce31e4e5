-- Stands before every script of the pictures.
-- KEYS: the record; the pictures of its owner, of its job; what the owner uses; their ids; all pictures by age; and the
-- pictures of its parent, if it has one. ARGV[1]: what the keys of records begin with.
local call = redis.call

local function bytes_of(record)
  return cjson.decode(record).facts.bytes
end

local function add(key, field, by)
  call('HINCRBY', key, field, string.format('%.0f', by))
end

-- Counts anew what the owner uses, where that is not known: of what an older version stored, or after somebody deleted
-- the sum. Nothing else ever needs counting: each script below changes a picture and the sum together.
local function recount(owner, used, ids, ages)
  if call('EXISTS', used) == 1 then
    return
  end
  for _, member in ipairs(call('ZRANGE', owner, 0, -1)) do
    local id = string.sub(member, 20)
    local kept = call('HMGET', ARGV[1] .. id, 'first', 'latest')
    if kept[1] then
      add(used, 'bytes', bytes_of(kept[2] or kept[1]))
      add(used, 'pictures', 1)
      call('ZADD', ids, 0, id)
      call('ZADD', ages, 0, member)
    end
  end
end
