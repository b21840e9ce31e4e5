-- Stands before every script of the jobs, after the prelude of the queue.
--
-- jobs:v1:record:<id>                 the record, with its counters; `total` is there once a batch is planned
-- jobs:v1:live:<fingerprint>:<owner>  the job that identical calls join
-- jobs:v1:open:<owner>                jobs of the owner that are not over
-- jobs:v1:ended                       jobs that are over, by their end
-- jobs:v1:items:<id>:plan             of a batch: index to source, label and folder
-- jobs:v1:items:<id>:labels           all labels
-- jobs:v1:items:<id>:status           index to status, of those that left the plan one by one
-- jobs:v1:items:<id>:in:<status>      the indexes in a status, in order
-- jobs:v1:items:<id>:name, :names     index to the name of the result, and back
-- jobs:v1:items:<id>:done             index to how it ended
--
-- Pictures leave the plan in order: those from `cursor` on are pending. What a cancel or too many failures leave out
-- is a range too, from `left_from` on, which has the status `left_as`; so both take the same time however large a batch
-- is, and are whole.
local J = P .. 'jobs:v1:'

local function record_key(id)
  return J .. 'record:' .. id
end

local function open_key(owner)
  return J .. 'open:' .. owner
end

local function items_key(id, part)
  return J .. 'items:' .. id .. ':' .. part
end

local function is_live(state)
  return state == 'queued' or state == 'running'
end

-- Ends a job, unless it is over already. Returns whether.
local function end_job(id, state, outcome, failure)
  local key = record_key(id)
  local record = call('HMGET', key, 'state', 'fingerprint', 'owner')
  if not is_live(record[1]) then
    return false
  end
  local time = now()
  call('HSET', key, 'state', state, 'finished_at', time)
  if outcome ~= '' then
    call('HSET', key, 'outcome', outcome)
  end
  if failure ~= '' then
    call('HSET', key, 'failure', failure)
  end
  local live = J .. 'live:' .. record[2] .. ':' .. record[3]
  if call('GET', live) == id then
    call('DEL', live)
  end
  call('SREM', open_key(record[3]), id)
  call('ZADD', J .. 'ended', time, id)
  tell('over ' .. id)
  return true
end

-- What entries of a batch are made of: six arguments from `first` on.
local function feed_from(first)
  return {
    before = ARGV[first], after = ARGV[first + 1], finish = ARGV[first + 2], max = ARGV[first + 3],
    cpu = ARGV[first + 4], remote = ARGV[first + 5],
  }
end

local function put(id, index, status)
  call('HSET', items_key(id, 'status'), index, status)
  call('ZADD', items_key(id, 'in:' .. status), index, index)
end

-- Leaves out all pictures that wait, those in the queue one by one: there are few.
local function leave_out(id, status)
  local key = record_key(id)
  local record = call('HMGET', key, 'total', 'cursor')
  if not record[1] then
    return
  end
  local planned = record[1] - record[2]
  if planned > 0 then
    call('HSET', key, 'left_from', record[2], 'left_as', status, 'cursor', record[1])
  end
  local queued = call('ZRANGE', items_key(id, 'in:queued'), 0, -1)
  for _, index in ipairs(queued) do
    put(id, index, status)
  end
  call('DEL', items_key(id, 'in:queued'))
  call('HINCRBY', key, status, planned + #queued)
end

-- Queues the next pictures of a batch, at most `most` and 500.
local function refill(id, most, feed)
  local key = record_key(id)
  local record = call('HMGET', key, 'state', 'total', 'cursor')
  if not is_live(record[1]) or not record[2] then
    return
  end
  local first = tonumber(record[3])
  local after = math.min(tonumber(record[2]), first + math.min(most, 500))
  for index = first, after - 1 do
    enqueue(id .. ':' .. index, id, feed.cpu, 1, feed.max, feed.before .. index .. feed.after)
    put(id, index, 'queued')
  end
  if after > first then
    call('HSET', key, 'cursor', after)
    tell('wake ' .. feed.cpu)
  end
end

-- Queues the end of a batch, once, when no picture is left.
local function finish_if_through(id, feed)
  local key = record_key(id)
  local record = call('HMGET', key, 'total', 'cursor', 'running', 'closing')
  local open = not record[1] or tonumber(record[2]) < tonumber(record[1]) or tonumber(record[3] or 0) > 0
  if open or record[4] or call('EXISTS', items_key(id, 'in:queued')) == 1 then
    return
  end
  call('HSET', key, 'closing', 1)
  enqueue(id .. ':finish', id, feed.remote, 0, feed.max, feed.finish)
  tell('wake ' .. feed.remote)
end
