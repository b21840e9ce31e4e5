//! The records in Redis. A record is a hash: `first` as it was first written, `latest` as it was last written again,
//! both JSON. Sorted sets hold the pictures of an owner, of a parent, of a job, and of all; their members begin with the time, so
//! that the order of the members is that of the list and any member is a place to go on from.

use std::sync::LazyLock;

use redis::{Script, cmd, pipe};

use super::{Found, ImageRecord, Listing, StorageUse};
use crate::{ImageId, Redis, StoreError, UserId};

/// Records read at a time.
const PAGE: usize = 200;

/// Records that one search looks at; the next one goes on from there.
const MOST_LOOKED_AT: usize = 20_000;

/// All pictures by age.
const AGES: &str = "images:ages";

fn record_key(id: &str) -> String {
    Redis::key(&format!("image:{id}"))
}

fn index_key(kind: &str, whose: &str) -> String {
    Redis::key(&format!("images:{kind}:{whose}"))
}

/// Wide enough for every time, so that the order of texts is that of numbers.
const TIME_DIGITS: usize = 19;

fn member(record: &ImageRecord) -> String {
    format!("{:0TIME_DIGITS$}{}", record.created_at.max(0), record.id)
}

fn script(body: &str) -> Script {
    Script::new(&[include_str!("lua/prelude.lua"), body].concat())
}

static PUT: LazyLock<Script> = LazyLock::new(|| script(include_str!("lua/put.lua")));
static DELETE: LazyLock<Script> = LazyLock::new(|| script(include_str!("lua/delete.lua")));
static USED: LazyLock<Script> = LazyLock::new(|| script(include_str!("lua/used.lua")));

/// All that stands for a picture, in the order of the scripts.
fn keys(record: &ImageRecord) -> Vec<String> {
    let mut keys = vec![
        record_key(record.id.as_str()),
        index_key("owner", &record.owner.0),
        index_key("job", record.job.as_str()),
        index_key("used", &record.owner.0),
        index_key("ids", &record.owner.0),
        Redis::key(AGES),
    ];
    keys.extend(record.parent.as_ref().map(|parent| index_key("parent", parent.as_str())));
    keys
}

pub(super) async fn put(redis: &Redis, record: &ImageRecord, quota: Option<u64>) -> Result<(), StoreError> {
    let quota_text = quota.map(|most| most.to_string()).unwrap_or_default();
    let (json, id) = (serde_json::to_string(record)?, record.id.to_string());
    let arguments = vec![record_key(""), json, member(record), id, quota_text];
    let used: i64 = redis.run_again(&PUT, &keys(record), &arguments).await?;
    match (u64::try_from(used), quota) {
        (Ok(used), Some(most)) => Err(StoreError::OverQuota { used, most, more: record.facts.bytes }),
        _ => Ok(()),
    }
}

pub(super) async fn delete(redis: &Redis, record: &ImageRecord) -> Result<(), StoreError> {
    let arguments = vec![record_key(""), member(record), record.id.to_string()];
    redis.run_again(&DELETE, &keys(record), &arguments).await
}

pub(super) async fn used_by(redis: &Redis, owner: &UserId) -> Result<StorageUse, StoreError> {
    let key = |kind| index_key(kind, &owner.0);
    let keys = [key("owner"), key("used"), key("ids"), Redis::key(AGES)];
    let (bytes, pictures): (u64, u64) = redis.run_again(&USED, &keys, &vec![record_key("")]).await?;
    Ok(StorageUse { bytes, pictures })
}

pub(super) async fn beginning_with(
    redis: &Redis,
    owner: &UserId,
    beginning: &str,
    most: u32,
) -> Result<Vec<ImageId>, StoreError> {
    // The ids of what an older version stored are listed with the first count.
    used_by(redis, owner).await?;
    let mut command = cmd("ZRANGEBYLEX");
    command.arg(index_key("ids", &owner.0)).arg(format!("[{beginning}")).arg(format!("({beginning}~"));
    let ids: Vec<String> = redis.ask(command.arg("LIMIT").arg(0).arg(most)).await?;
    ids.iter().map(|id| ImageId::parse(id).ok_or(StoreError::Corrupt("images"))).collect()
}

pub(super) async fn made_before(
    redis: &Redis,
    moment: i64,
    after: Option<&ImageRecord>,
    most: u32,
) -> Result<Vec<ImageRecord>, StoreError> {
    let from = after.map_or_else(|| "-".to_owned(), |after| format!("({}", member(after)));
    let mut command = cmd("ZRANGEBYLEX");
    command.arg(Redis::key(AGES)).arg(from).arg(format!("({:0TIME_DIGITS$}", moment.max(0)));
    let members: Vec<String> = redis.ask(command.arg("LIMIT").arg(0).arg(most)).await?;
    records(redis, &members).await
}

/// A record as it is kept: first, and latest if it was written again.
type Kept = (Option<String>, Option<String>);

fn read((first, latest): Kept) -> Result<Option<ImageRecord>, StoreError> {
    let Some(first) = first else { return Ok(None) };
    let first: ImageRecord = serde_json::from_str(&first)?;
    let Some(latest) = latest else { return Ok(Some(first)) };
    let ImageRecord { name, blob, by_model, facts, .. } = serde_json::from_str(&latest)?;
    Ok(Some(ImageRecord { name, blob, by_model, facts, ..first }))
}

pub(super) async fn any(redis: &Redis, id: &ImageId) -> Result<Option<ImageRecord>, StoreError> {
    let mut command = cmd("HMGET");
    command.arg(record_key(id.as_str())).arg(&["first", "latest"]);
    read(redis.ask(&command).await?)
}

pub(super) async fn list(redis: &Redis, owner: &UserId, listing: &Listing) -> Result<Found, StoreError> {
    let limit = usize::try_from(listing.limit).unwrap_or(usize::MAX);
    let mut from = match (&listing.before, listing.until) {
        (None, None) => "+".to_owned(),
        (None, Some(until)) => format!("({:0TIME_DIGITS$}", until.saturating_add(1).max(0)),
        (Some(before), _) => match any(redis, before).await? {
            Some(before) => format!("({}", member(&before)),
            None => return Ok(Found::default()),
        },
    };
    let to = listing.since.map_or_else(|| "-".to_owned(), |since| format!("[{:0TIME_DIGITS$}", since.max(0)));
    // The smallest set that holds all that are asked for; whatever else it holds is left out below.
    let index = match (&listing.parent, &listing.job) {
        (Some(parent), _) => index_key("parent", parent.as_str()),
        (None, Some(job)) => index_key("job", job.as_str()),
        (None, None) => index_key("owner", &owner.0),
    };
    let (mut found, mut looked) = (Vec::new(), 0);
    while found.len() < limit {
        let size = if listing.narrows() { PAGE } else { PAGE.min(limit - found.len()) };
        let members = page(redis, &index, &from, &to, size).await?;
        let Some(last) = members.last() else { break };
        let whole = members.len() < size;
        looked += members.len();
        from = format!("({last}");
        let until = last.get(TIME_DIGITS..).and_then(ImageId::parse);
        let records = records(redis, &members).await?;
        found.extend(records.into_iter().filter(|record| listing.takes(owner, record)));
        if whole {
            break;
        }
        if looked >= MOST_LOOKED_AT && found.len() < limit {
            return Ok(Found { records: found, looked_until: until });
        }
    }
    found.truncate(limit);
    Ok(Found { records: found, looked_until: None })
}

/// Members of a set, downwards from one.
async fn page(redis: &Redis, index: &str, from: &str, to: &str, size: usize) -> Result<Vec<String>, StoreError> {
    let mut command = cmd("ZREVRANGEBYLEX");
    command.arg(index).arg(from).arg(to).arg("LIMIT").arg(0).arg(size);
    redis.ask(&command).await
}

async fn records(redis: &Redis, members: &[String]) -> Result<Vec<ImageRecord>, StoreError> {
    // Redis takes no empty pipe.
    if members.is_empty() {
        return Ok(Vec::new());
    }
    let mut reads = pipe();
    for id in members.iter().filter_map(|member| member.get(TIME_DIGITS..)) {
        reads.cmd("HMGET").arg(record_key(id)).arg(&["first", "latest"]);
    }
    let kept: Vec<Kept> = reads.query_async(&mut redis.connection()).await?;
    kept.into_iter().filter_map(|kept| read(kept).transpose()).collect()
}
