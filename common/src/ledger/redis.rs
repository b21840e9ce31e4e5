//! The ledger in Redis. A row is a hash; beside it, a hash of each owner holds the sum of every day and month, and of every
//! `month|tool|model` the sum and, behind a `#`, how many calls it is of.

use std::{collections::HashMap, sync::LazyLock};

use redis::{Script, cmd};

use super::{Budget, Call, Line, Reserved, Spent, nanos, period::Today, today};
use crate::{JobId, Redis, StoreError, Usd, UserId};

fn row_key(job: &JobId) -> String {
    Redis::key(&format!("spend:{job}"))
}

fn sums_key(owner: &str) -> String {
    Redis::key(&format!("spent:{owner}"))
}

/// A script that is read once, when it is first needed.
type Lua = LazyLock<Script>;

pub(super) async fn reserve(redis: &Redis, call: &Call, budget: Budget) -> Result<Reserved, StoreError> {
    // Looks and adds in one step: of two that race for the last of a budget, one gets it. Sums stay whole numbers in
    // Lua up to nine million dollars. ARGV: day, month, estimate, the two budgets ('' for none), owner, tool, model.
    static RESERVE: Lua = LazyLock::new(|| {
        Script::new(
            r"
local state = redis.call('HGET', KEYS[1], 'state')
if state == 'reserved' then return { 'granted', 0, 0 } end
if state == 'submitted' or state == 'settled' then return { 'submitted', 0, 0 } end
local found = redis.call('HMGET', KEYS[2], ARGV[1], ARGV[2])
local day, month = tonumber(found[1] or 0), tonumber(found[2] or 0)
local function over(spent, budget) return budget ~= '' and spent + ARGV[3] > tonumber(budget) end
if over(day, ARGV[4]) or over(month, ARGV[5]) then
  return { 'refused', found[1] or 0, found[2] or 0 }
end
redis.call('HINCRBY', KEYS[2], ARGV[1], ARGV[3])
redis.call('HINCRBY', KEYS[2], ARGV[2], ARGV[3])
local line = ARGV[2] .. '|' .. ARGV[7] .. '|' .. ARGV[8]
redis.call('HINCRBY', KEYS[2], line, ARGV[3])
redis.call('HINCRBY', KEYS[2], '#' .. line, 1)
redis.call('HSET', KEYS[1], 'state', 'reserved', 'nanos', ARGV[3], 'day', ARGV[1], 'month', ARGV[2],
  'owner', ARGV[6], 'line', line)
redis.call('EXPIRE', KEYS[1], 100 * 86400)
return { 'granted', 0, 0 }",
        )
    });
    let today = today(redis.clock());
    let most = |budget: Option<Usd>| budget.map(|budget| nanos(budget).to_string()).unwrap_or_default();
    let arguments = (
        today.day(),
        today.month(),
        nanos(call.estimate),
        most(budget.daily),
        most(budget.monthly),
        &call.owner.0,
        &call.tool,
        &call.model,
    );
    let keys = [row_key(&call.job), sums_key(&call.owner.0)];
    let (answer, day, month): (String, i64, i64) = redis.run_again(&RESERVE, &keys, &arguments).await?;
    match answer.as_str() {
        "granted" => Ok(Reserved::Granted),
        "submitted" => Ok(Reserved::Submitted),
        _ => budget.refuses(super::spent((day, month)), call.estimate, &today).ok_or(StoreError::Corrupt("spend")),
    }
}

pub(super) async fn submit(redis: &Redis, job: &JobId) -> Result<bool, StoreError> {
    // Not run again when its answer is lost: whoever does not know whether it may send does not send.
    static SUBMIT: Lua = LazyLock::new(|| {
        Script::new(
            r"
if redis.call('HGET', KEYS[1], 'state') ~= 'reserved' then return 0 end
redis.call('HSET', KEYS[1], 'state', 'submitted')
return 1",
        )
    });
    redis.run(&SUBMIT, &[row_key(job)], &[job.as_str()]).await
}

/// Changes what a row costs, and the sums with it. ARGV: the new state, its cost, and the states it may follow on.
const CHANGE: &str = r"
local row = redis.call('HMGET', KEYS[1], 'state', 'nanos', 'day', 'month', 'line')
if not row[1] or not string.find(ARGV[3], row[1], 1, true) then return end
local more = string.format('%.0f', ARGV[2] - row[2])
redis.call('HINCRBY', KEYS[2], row[3], more)
redis.call('HINCRBY', KEYS[2], row[4], more)
redis.call('HINCRBY', KEYS[2], row[5], more)
local was, is = row[1] ~= 'released', ARGV[1] ~= 'released'
if was and not is then redis.call('HINCRBY', KEYS[2], '#' .. row[5], -1) end
if is and not was then redis.call('HINCRBY', KEYS[2], '#' .. row[5], 1) end
redis.call('HSET', KEYS[1], 'state', ARGV[1], 'nanos', ARGV[2])";

async fn change(redis: &Redis, job: &JobId, to: (&str, i64, &str)) -> Result<(), StoreError> {
    static SCRIPT: Lua = LazyLock::new(|| Script::new(CHANGE));
    let mut command = cmd("HGET");
    command.arg(row_key(job)).arg("owner");
    let owner: Option<String> = redis.ask(&command).await?;
    let Some(owner) = owner else { return Ok(()) };
    redis.run_again(&SCRIPT, &[row_key(job), sums_key(&owner)], &to).await
}

pub(super) async fn settle(redis: &Redis, job: &JobId, cost: Usd) -> Result<(), StoreError> {
    change(redis, job, ("settled", nanos(cost), "reserved submitted released")).await
}

pub(super) async fn release(redis: &Redis, job: &JobId, even_if_sent: bool) -> Result<(), StoreError> {
    let from = if even_if_sent { "reserved submitted" } else { "reserved" };
    change(redis, job, ("released", 0, from)).await
}

pub(super) async fn lines(redis: &Redis, owner: &UserId, today: &Today) -> Result<Vec<Line>, StoreError> {
    let mut command = cmd("HGETALL");
    command.arg(sums_key(&owner.0));
    let sums: HashMap<String, i64> = redis.ask(&command).await?;
    let month = format!("{}|", today.month());
    let lines = sums.iter().filter_map(|(key, nanos)| {
        let (tool, model) = key.strip_prefix(&month)?.split_once('|')?;
        let calls = sums.get(&format!("#{key}")).copied().filter(|calls| *calls > 0)?;
        Some(super::line(tool.to_owned(), model.to_owned(), calls, *nanos))
    });
    Ok(lines.collect())
}

pub(super) async fn spent(redis: &Redis, owner: &UserId, today: &Today) -> Result<Spent, StoreError> {
    let mut command = cmd("HMGET");
    command.arg(sums_key(&owner.0)).arg(today.day()).arg(today.month());
    let (day, month): (Option<i64>, Option<i64>) = redis.ask(&command).await?;
    Ok(super::spent((day.unwrap_or_default(), month.unwrap_or_default())))
}
