-- Ends a job as cancelled, takes its entries out of the queue and leaves out its pictures that wait; as a whole, so that
-- no worker begins what nobody counts. ARGV: ahead, id, failure, '1' to spare a job that several callers share.
-- Returns 1, or 0 if nothing was changed.
local id = ARGV[2]
if ARGV[4] == '1' and call('HEXISTS', record_key(id), 'shared') == 1 then
  return 0
end
if not end_job(id, 'cancelled', '', ARGV[3]) then
  return 0
end
withdraw(id)
leave_out(id, 'cancelled')
return 1
