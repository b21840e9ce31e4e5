-- Puts entries in and wakes the workers of their lane; as a whole, so that nobody is woken for what is not there yet.
-- ARGV: ahead, lane, max, then id, job, priority, payload of each.
for i = 4, #ARGV, 4 do
  enqueue(ARGV[i], ARGV[i + 1], ARGV[2], ARGV[i + 2], ARGV[3], ARGV[i + 3])
end
tell('wake ' .. ARGV[2])
