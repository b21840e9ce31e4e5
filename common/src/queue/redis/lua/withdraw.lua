-- Removes the entries of a job that nobody works on; as a whole. ARGV: ahead, job. Returns how many.
return withdraw(ARGV[2])
