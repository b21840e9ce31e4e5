-- Stands before every script of the queue and of the jobs. KEYS[1] is what all keys begin with (one slot of a cluster),
-- ARGV[1] how many milliseconds a test has turned the clock ahead.
--
-- queue:v1:entry:<id>             what an entry is: state, lane, priority, seq, job, attempts, max, payload, worker, and
--                                 since when it may be taken
-- queue:v1:<lane>:waiting:<prio>  entries waiting, by seq
-- queue:v1:<lane>:due             entries that wait for their time, by that time
-- queue:v1:<lane>:running         entries being worked on, by the end of their lease
-- queue:v1:<lane>:dead            entries put aside, by when
-- queue:v1:worker:<name>          what a worker holds
-- queue:v1:job:<id>               the entries of a job
local P = KEYS[1]
local Q = P .. 'queue:v1:'
local call = redis.call

-- Milliseconds since 1970 by the only clock there is: that of the server.
local function now()
  local time = call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000) + tonumber(ARGV[1])
end

local function tell(news)
  call('PUBLISH', P .. 'news', news)
end

-- Changes nothing; refused by a server that is out of memory, and with it the script. Such a server lets leases run out,
-- for renewing needs memory, and taking away does not: then nothing may be taken away either.
local function need_memory()
  call('ZADD', Q .. 'memory', 'XX', 0, 'any')
end

-- Puts an entry in, unless one of its id is there.
local function enqueue(id, job, lane, priority, most, payload)
  local key = Q .. 'entry:' .. id
  if call('EXISTS', key) == 1 then
    return
  end
  local seq = call('INCR', Q .. 'seq')
  call('HSET', key, 'state', 'queued', 'lane', lane, 'priority', priority, 'seq', seq, 'job', job, 'attempts', 0,
    'max', most, 'payload', payload, 'since', now())
  call('ZADD', Q .. lane .. ':waiting:' .. priority, seq, id)
  call('SADD', Q .. 'job:' .. job, id)
end

-- Removes an entry, wherever it stands.
local function remove(id)
  local key = Q .. 'entry:' .. id
  local entry = call('HMGET', key, 'state', 'lane', 'priority', 'worker', 'job')
  if not entry[1] then
    return
  end
  local lane = Q .. entry[2]
  if entry[1] == 'queued' then
    call('ZREM', lane .. ':waiting:' .. entry[3], id)
    call('ZREM', lane .. ':due', id)
  elseif entry[1] == 'running' then
    call('ZREM', lane .. ':running', id)
    call('SREM', Q .. 'worker:' .. entry[4], id)
  else
    call('ZREM', lane .. ':dead', id)
  end
  call('DEL', key)
  call('SREM', Q .. 'job:' .. entry[5], id)
end

-- Removes the entries of a job that nobody works on: all, or those of one lane. Returns how many.
local function withdraw(job, lane)
  local count = 0
  for _, id in ipairs(call('SMEMBERS', Q .. 'job:' .. job)) do
    local entry = call('HMGET', Q .. 'entry:' .. id, 'state', 'lane')
    if entry[1] == 'queued' and (not lane or entry[2] == lane) then
      remove(id)
      count = count + 1
    end
  end
  return count
end

-- Takes an entry from its worker and puts it back to where it stood.
local function requeue(id)
  local key = Q .. 'entry:' .. id
  local entry = call('HMGET', key, 'lane', 'priority', 'seq', 'worker')
  if not entry[1] then
    return
  end
  call('ZREM', Q .. entry[1] .. ':running', id)
  call('SREM', Q .. 'worker:' .. entry[4], id)
  call('HSET', key, 'state', 'queued')
  call('HDEL', key, 'worker')
  call('ZADD', Q .. entry[1] .. ':waiting:' .. entry[2], entry[3], id)
end
