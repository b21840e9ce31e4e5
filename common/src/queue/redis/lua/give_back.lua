-- Gives back all that a worker holds; as a whole. ARGV: ahead, worker, both lanes. Returns how many.
local held = call('SMEMBERS', Q .. 'worker:' .. ARGV[2])
for _, id in ipairs(held) do
  requeue(id)
end
if #held > 0 then
  tell('wake ' .. ARGV[3])
  tell('wake ' .. ARGV[4])
end
return #held
