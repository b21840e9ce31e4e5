-- Writes how a job ended and frees its fingerprint; the first end stays, so look and write are one.
-- ARGV: ahead, id, state, outcome or '', failure or ''. Returns 1, or 0 if it was over.
return end_job(ARGV[2], ARGV[3], ARGV[4], ARGV[5]) and 1 or 0
