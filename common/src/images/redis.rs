//! The records in Redis. A record is a hash: `first` as it was first written, `latest` as it was last written again,
//! both JSON. Sorted sets hold the pictures of an owner, of a parent and of a job; their members begin with the time, so
//! that the order of the members is that of the list and any member is a place to go on from.

use std::sync::LazyLock;

use redis::{Script, cmd, pipe};

use super::{ImageRecord, Listing};
use crate::{ImageId, Redis, StoreError, UserId};

/// Records read at a time.
const PAGE: usize = 200;

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

pub(super) async fn put(redis: &Redis, record: &ImageRecord) -> Result<(), StoreError> {
    // One step: a record that stands in no set would never be listed. The time of the first stays, so the sets do too.
    static PUT: LazyLock<Script> = LazyLock::new(|| {
        Script::new(
            r"
if redis.call('HSETNX', KEYS[1], 'first', ARGV[1]) == 0 then
  redis.call('HSET', KEYS[1], 'latest', ARGV[1])
  return
end
for set = 2, #KEYS do redis.call('ZADD', KEYS[set], 0, ARGV[2]) end",
        )
    });
    let mut keys = vec![
        record_key(record.id.as_str()),
        index_key("owner", &record.owner.0),
        index_key("job", record.job.as_str()),
    ];
    keys.extend(record.parent.as_ref().map(|parent| index_key("parent", parent.as_str())));
    let arguments = (serde_json::to_string(record)?, member(record));
    redis.run_again(&PUT, &keys, &arguments).await
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

pub(super) async fn list(redis: &Redis, owner: &UserId, listing: &Listing) -> Result<Vec<ImageRecord>, StoreError> {
    let limit = usize::try_from(listing.limit).unwrap_or(usize::MAX);
    let mut from = match &listing.before {
        None => "+".to_owned(),
        Some(before) => match any(redis, before).await? {
            Some(before) => format!("({}", member(&before)),
            None => return Ok(Vec::new()),
        },
    };
    // The smallest set that holds all that are asked for; whatever else it holds is left out below.
    let index = match (&listing.parent, &listing.job) {
        (Some(parent), _) => index_key("parent", parent.as_str()),
        (None, Some(job)) => index_key("job", job.as_str()),
        (None, None) => index_key("owner", &owner.0),
    };
    let mut found = Vec::new();
    while found.len() < limit {
        let size = PAGE.min(limit - found.len());
        let members = page(redis, &index, &from, size).await?;
        let Some(last) = members.last() else { break };
        from = format!("({last}");
        found.extend(records(redis, &members).await?.into_iter().filter(|record| {
            let of_job = listing.job.as_ref().is_none_or(|job| record.job == *job);
            record.owner == *owner && of_job
        }));
        if members.len() < size {
            break;
        }
    }
    Ok(found)
}

/// Members of a set, downwards from one.
async fn page(redis: &Redis, index: &str, from: &str, size: usize) -> Result<Vec<String>, StoreError> {
    let mut command = cmd("ZREVRANGEBYLEX");
    command.arg(index).arg(from).arg("-").arg("LIMIT").arg(0).arg(size);
    redis.ask(&command).await
}

async fn records(redis: &Redis, members: &[String]) -> Result<Vec<ImageRecord>, StoreError> {
    let mut reads = pipe();
    for id in members.iter().filter_map(|member| member.get(TIME_DIGITS..)) {
        reads.cmd("HMGET").arg(record_key(id)).arg(&["first", "latest"]);
    }
    let kept: Vec<Kept> = reads.query_async(&mut redis.connection()).await?;
    kept.into_iter().filter_map(|kept| read(kept).transpose()).collect()
}
