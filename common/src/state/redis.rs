//! The store in Redis. A value is a hash: `v` its bytes, `e` when it expires (milliseconds by the clock of the stores,
//! absent if never). Two sorted sets stand beside the values: every key in its order, and every key that expires, by
//! when. Redis expires the values by itself too, never sooner; the sets are cleaned by whoever lists, and by sweeping.

use std::{sync::LazyLock, time::Duration};

use redis::Script;

use super::{Count, Pair, milliseconds};
use crate::{Redis, StoreError};

/// Longer than any value is needed, and short enough for sums of milliseconds to stay whole numbers in Lua.
const LONGEST_MS: i64 = 100 * 366 * 24 * 3600 * 1000;

/// Keys looked at in one script: others wait while it runs.
const PAGE: usize = 500;

/// What every script begins with. KEYS: the value, the keys in order, the keys by expiry. ARGV: what the clock is
/// ahead, the key as its caller names it. A number becomes text by `format`: Lua itself writes large ones as 1.7e+12.
const PRELUDE: &str = r"
local value, keys, ends, key = KEYS[1], KEYS[2], KEYS[3], ARGV[2]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[1]

local function living()
  local found = redis.call('HMGET', value, 'v', 'e')
  if found[1] and (not found[2] or tonumber(found[2]) > now) then return found[1], found[2] end
  return false
end

local function forget()
  redis.call('DEL', value)
  redis.call('ZREM', keys, key)
  redis.call('ZREM', ends, key)
end

local function set(bytes, ttl)
  redis.call('DEL', value)
  redis.call('ZADD', keys, 0, key)
  if ttl == '' then
    redis.call('HSET', value, 'v', bytes)
    redis.call('ZREM', ends, key)
  else
    local expiry = string.format('%.0f', now + ttl)
    redis.call('HSET', value, 'v', bytes, 'e', expiry)
    redis.call('ZADD', ends, expiry, key)
    redis.call('PEXPIRE', value, ttl + 1000)
  end
end
";

/// A script that is read once, when it is first needed.
type Lua = LazyLock<Script>;

fn script(body: &str) -> Script {
    Script::new(&format!("{PRELUDE}{body}"))
}

/// The key of a value, and of the two sets.
fn keys(key: &str) -> [String; 3] {
    [value_key(key), Redis::key("state-keys"), Redis::key("state-ends")]
}

fn value_key(key: &str) -> String {
    Redis::key(&format!("state:{key}"))
}

/// A time to live as the scripts read it: empty for ever.
fn written(ttl: Option<Duration>) -> String {
    ttl.map(|ttl| milliseconds(ttl).min(LONGEST_MS).to_string()).unwrap_or_default()
}

pub(super) async fn get(redis: &Redis, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
    // A script because the value is compared with the server's own time.
    static GET: Lua = LazyLock::new(|| script("return (living())"));
    redis.run(&GET, &keys(key), (redis.clock().ahead_ms(), key)).await
}

pub(super) async fn list(redis: &Redis, prefix: &str, most: u32) -> Result<Vec<Pair>, StoreError> {
    // Finds a page of keys and reads their values at one moment, so that none is forgotten which was put anew between.
    // ARGV[2] is what the keys of the values begin with, then come the two ends of the range and the size of the page.
    // Answers how far it came ('' for the end), then keys and values by turns.
    static LIST: Lua = LazyLock::new(|| {
        script(
            r"
local start, size = ARGV[2], tonumber(ARGV[5])
local page = redis.call('ZRANGEBYLEX', keys, ARGV[3], ARGV[4], 'LIMIT', 0, size)
local answer = { #page == size and page[size] or '' }
for _, each in ipairs(page) do
  key, value = each, start .. each
  local bytes = living()
  if bytes then
    answer[#answer + 1] = each
    answer[#answer + 1] = bytes
  else
    forget()
  end
end
return answer",
        )
    });
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    // The first key after all that begin with the prefix: no UTF-8 text is above U+10FFFF.
    let (mut from, end) = (format!("[{prefix}"), format!("({prefix}\u{10ffff}"));
    let (mut found, start) = (Vec::new(), value_key(""));
    while found.len() < most {
        let page = PAGE.min(most - found.len());
        let arguments = (redis.clock().ahead_ms(), &start, &from, &end, page);
        let answer: Vec<Vec<u8>> = redis.run(&LIST, &keys(""), arguments).await?;
        let mut answer = answer.into_iter();
        let last = answer.next().map(text).transpose()?.unwrap_or_default();
        while let (Some(key), Some(value)) = (answer.next(), answer.next()) {
            found.push((text(key)?, value));
        }
        if last.is_empty() {
            break;
        }
        from = format!("({last}");
    }
    Ok(found)
}

fn text(bytes: Vec<u8>) -> Result<String, StoreError> {
    String::from_utf8(bytes).map_err(|_| StoreError::Corrupt("state"))
}

pub(super) async fn put(redis: &Redis, key: &str, value: &[u8], ttl: Option<Duration>) -> Result<(), StoreError> {
    // One step: a value that stands in neither set would never be listed, nor swept.
    static PUT: Lua = LazyLock::new(|| script("set(ARGV[3], ARGV[4])"));
    redis.run(&PUT, &keys(key), (redis.clock().ahead_ms(), key, value, written(ttl))).await
}

pub(super) async fn get_or_set(
    redis: &Redis,
    key: &str,
    value: &[u8],
    ttl: Option<Duration>,
) -> Result<Vec<u8>, StoreError> {
    // Looks and sets in one step: of two who find nothing, the second finds what the first has set.
    static GET_OR_SET: Lua = LazyLock::new(|| {
        script(
            r"
local bytes = living()
if bytes then return bytes end
set(ARGV[3], ARGV[4])
return ARGV[3]",
        )
    });
    redis.run(&GET_OR_SET, &keys(key), (redis.clock().ahead_ms(), key, value, written(ttl))).await
}

pub(super) async fn swap(
    redis: &Redis,
    key: &str,
    old: &[u8],
    new: &[u8],
    ttl: Option<Duration>,
) -> Result<bool, StoreError> {
    // Compares and sets in one step: nobody else's value is overwritten unseen.
    static SWAP: Lua = LazyLock::new(|| {
        script(
            r"
if living() ~= ARGV[3] then return 0 end
set(ARGV[4], ARGV[5])
return 1",
        )
    });
    redis.run(&SWAP, &keys(key), (redis.clock().ahead_ms(), key, old, new, written(ttl))).await
}

pub(super) async fn take(redis: &Redis, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
    // Reads and removes in one step: of all who try, one gets it.
    static TAKE: Lua = LazyLock::new(|| {
        script(
            r"
local bytes = living()
forget()
return bytes",
        )
    });
    redis.run(&TAKE, &keys(key), (redis.clock().ahead_ms(), key)).await
}

pub(super) async fn count(redis: &Redis, key: &str, by: u64, window: Duration) -> Result<Count, StoreError> {
    // Adds, or begins a window, in one step: nothing counted is lost between the two. A counter is its digits.
    static COUNT: Lua = LazyLock::new(|| {
        script(
            r"
local bytes, expiry = living()
if bytes and expiry then
  return { redis.call('HINCRBY', value, 'v', ARGV[3]), expiry - now }
end
set(ARGV[3], ARGV[4])
return { tonumber(ARGV[3]), tonumber(ARGV[4]) }",
        )
    });
    let by = i64::try_from(by).unwrap_or(i64::MAX);
    let arguments = (redis.clock().ahead_ms(), key, by, written(Some(window)));
    redis.run(&COUNT, &keys(key), arguments).await.map(counted_in)
}

pub(super) async fn counted(redis: &Redis, key: &str) -> Result<Option<Count>, StoreError> {
    // A script because the window is compared with the server's own time.
    static COUNTED: Lua = LazyLock::new(|| {
        script(
            r"
local bytes, expiry = living()
if bytes and expiry then return { tonumber(bytes), expiry - now } end
return false",
        )
    });
    let row: Option<(i64, i64)> = redis.run(&COUNTED, &keys(key), (redis.clock().ahead_ms(), key)).await?;
    Ok(row.map(counted_in))
}

fn counted_in((total, left_ms): (i64, i64)) -> Count {
    Count {
        total: u64::try_from(total).unwrap_or_default(),
        resets_in: Duration::from_millis(u64::try_from(left_ms).unwrap_or_default()),
    }
}

pub(super) async fn sweep(redis: &Redis) -> Result<u64, StoreError> {
    // Finds and forgets in one step, so that none is forgotten which was put anew between. Only what has expired is
    // looked at. ARGV[2] is what the keys of the values begin with, ARGV[3] the size of the page.
    static SWEEP: Lua = LazyLock::new(|| {
        script(
            r"
local start = ARGV[2]
local page = redis.call('ZRANGEBYSCORE', ends, '-inf', string.format('%.0f', now), 'LIMIT', 0, ARGV[3])
for _, each in ipairs(page) do
  key, value = each, start .. each
  forget()
end
return #page",
        )
    });
    let mut forgotten = 0;
    loop {
        let arguments = (redis.clock().ahead_ms(), value_key(""), PAGE);
        let page: usize = redis.run(&SWEEP, &keys(""), arguments).await?;
        forgotten += u64::try_from(page).unwrap_or_default();
        if page < PAGE {
            return Ok(forgotten);
        }
    }
}
