-- What an owner uses. KEYS: the pictures of the owner, what they use, their ids, all pictures by age. Returns bytes and
-- pictures, as texts.
recount(KEYS[1], KEYS[2], KEYS[3], KEYS[4])
local used = call('HMGET', KEYS[2], 'bytes', 'pictures')
return { used[1] or '0', used[2] or '0' }
