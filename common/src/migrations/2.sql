-- What has expired is found without reading every key.
CREATE INDEX state_expiry ON state (expires_at) WHERE expires_at IS NOT NULL;
