//! The pictures of a batch on Redis.

use std::sync::LazyLock;

use redis::Script;
use serde::{Deserialize, Serialize};

use super::{Records, script};
use crate::{
    Failure, ImageId, JobId, Redis, StoreError,
    ids::random_bytes,
    job::{Job, Lane, Source, Work},
    jobs::{Item, ItemDone, ItemFilter, ItemStatus, JobRecord, PlannedItem},
    queue::MAX_ATTEMPTS,
};

/// Most pictures that one script writes or reads: the server does nothing else meanwhile.
const CHUNK: usize = 500;

static PLAN_CHUNK: LazyLock<Script> = LazyLock::new(|| script(include_str!("lua/plan_chunk.lua")));
static PLAN_COMMIT: LazyLock<Script> = LazyLock::new(|| script(include_str!("lua/plan_commit.lua")));
static START_ITEM: LazyLock<Script> = LazyLock::new(|| script(include_str!("lua/start_item.lua")));
static CLAIM_NAME: LazyLock<Script> = LazyLock::new(|| script(include_str!("lua/claim_name.lua")));
static FINISH_ITEM: LazyLock<Script> = LazyLock::new(|| script(include_str!("lua/finish_item.lua")));
static ITEMS: LazyLock<Script> = LazyLock::new(|| script(include_str!("lua/items.lua")));

/// A picture as it is planned, in its JSON.
#[derive(Deserialize, Serialize)]
struct Planned {
    source: Source,
    label: String,
    dir: String,
}

/// How a picture ended, in its JSON.
#[derive(Default, Deserialize, Serialize)]
struct Ended {
    image: Option<ImageId>,
    failure: Option<Failure>,
    bytes_in: u64,
    bytes_out: u64,
    sha256: Option<String>,
    ms: Option<u64>,
}

impl Records {
    /// Writes the plan aside, a part at a time, and then makes it the plan of the batch.
    pub(in crate::jobs) async fn plan_batch(
        &self,
        record: &JobRecord,
        items: &[PlannedItem],
        notes: &[String],
        first: u32,
    ) -> Result<(), StoreError> {
        // Its own place for each attempt: a worker that was taken for dead may be writing too.
        let attempt = data_encoding::HEXLOWER.encode(&random_bytes::<8>()?);
        for (chunk, items) in items.chunks(CHUNK).enumerate() {
            let mut arguments = vec![record.id.to_string(), attempt.clone(), (chunk * CHUNK).to_string()];
            for PlannedItem { source, label, dir } in items {
                let planned = Planned { source: source.clone(), label: label.clone(), dir: dir.clone() };
                arguments.extend([serde_json::to_string(&planned)?, label.clone()]);
            }
            if !self.run::<bool>(&PLAN_CHUNK, &arguments).await? {
                return Ok(());
            }
        }
        let mut arguments = vec![record.id.to_string(), attempt, items.len().to_string()];
        arguments.extend([serde_json::to_string(notes)?, first.to_string()]);
        arguments.extend(feed(record)?);
        let whole: bool = self.run(&PLAN_COMMIT, &arguments).await?;
        // It took longer than the parts are kept; the next attempt at the job writes them again.
        if whole { Ok(()) } else { Err(StoreError::Corrupt("plan")) }
    }

    pub(in crate::jobs) async fn start_item(&self, id: &JobId, index: u32) -> Result<Option<Item>, StoreError> {
        let found: Vec<String> = self.run(&START_ITEM, &[id.to_string(), index.to_string()]).await?;
        let [plan, name] = found.as_slice() else { return Ok(None) };
        item(index, "running", plan, name.clone(), "").map(Some)
    }

    pub(in crate::jobs) async fn claim_name(&self, id: &JobId, index: u32, name: &str) -> Result<bool, StoreError> {
        self.run(&CLAIM_NAME, &[id.to_string(), index.to_string(), name.to_owned()]).await
    }

    pub(in crate::jobs) async fn is_source(&self, id: &JobId, label: &str) -> Result<bool, StoreError> {
        let labels = Redis::key(&format!("jobs:v1:items:{id}:labels"));
        self.redis.ask(redis::cmd("SISMEMBER").arg(labels).arg(label)).await
    }

    pub(in crate::jobs) async fn finish_item(
        &self,
        record: &JobRecord,
        index: u32,
        done: &ItemDone,
        max_failures: Option<u32>,
    ) -> Result<(), StoreError> {
        let ended = Ended {
            image: done.image.clone(),
            failure: done.failure.clone(),
            bytes_in: done.bytes_in,
            bytes_out: done.bytes_out,
            sha256: done.sha256.clone(),
            ms: Some(done.ms),
        };
        let mut arguments = vec![record.id.to_string(), index.to_string(), done.status.name().to_owned()];
        arguments.extend([serde_json::to_string(&ended)?, done.bytes_in.to_string(), done.bytes_out.to_string()]);
        arguments.push(max_failures.map_or(-1, i64::from).to_string());
        arguments.extend(feed(record)?);
        self.run(&FINISH_ITEM, &arguments).await
    }

    pub(in crate::jobs) async fn items(&self, id: &JobId, filter: &ItemFilter) -> Result<Vec<Item>, StoreError> {
        let limit = usize::try_from(filter.limit).unwrap_or(usize::MAX);
        let (mut items, mut from) = (Vec::new(), filter.from);
        while items.len() < limit {
            let page = CHUNK.min(limit - items.len());
            let status = filter.status.map_or("", ItemStatus::name).to_owned();
            let arguments = [id.to_string(), status, from.to_string(), page.to_string()];
            let rows: Vec<(u32, String, String, String, String)> = self.run(&ITEMS, &arguments).await?;
            let found = rows.len();
            for (index, status, plan, name, ended) in rows {
                from = index + 1;
                items.push(item(index, &status, &plan, name, &ended)?);
            }
            if found < page {
                break;
            }
        }
        Ok(items)
    }
}

/// What the entries of a batch are made of: the job of a picture around its index, that of the end, and the lanes.
fn feed(record: &JobRecord) -> Result<[String; 6], StoreError> {
    let job = |work| serde_json::to_string(&Job::new(record.id.clone(), record.owner.clone(), work));
    let item = job(Work::BatchItem { index: u32::MAX })?;
    let (before, after) = item.rsplit_once(&u32::MAX.to_string()).ok_or(StoreError::Corrupt("jobs"))?;
    let [cpu, remote] = [Lane::Cpu, Lane::Remote].map(|lane| lane.queue_name().to_owned());
    Ok([before.to_owned(), after.to_owned(), job(Work::BatchFinish)?, MAX_ATTEMPTS.to_string(), cpu, remote])
}

fn item(index: u32, status: &str, plan: &str, name: String, ended: &str) -> Result<Item, StoreError> {
    let plan: Planned = serde_json::from_str(plan)?;
    let ended: Ended = if ended.is_empty() { Ended::default() } else { serde_json::from_str(ended)? };
    Ok(Item {
        index,
        label: plan.label,
        origin: plan.source,
        dir: plan.dir,
        status: serde_json::from_value(status.into())?,
        output: (!name.is_empty()).then_some(name),
        image_id: ended.image,
        error: ended.failure,
        bytes_before: ended.bytes_in,
        bytes_after: ended.bytes_out,
        sha256: ended.sha256,
        ms: ended.ms,
    })
}
