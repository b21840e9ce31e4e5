//! The records of jobs on Redis. Every transition that touches a record, its pictures and the queue is one Lua script,
//! so that it happens as a whole and can be repeated: an answer that got lost does no harm.

mod batch;

use std::{
    collections::{HashMap, HashSet},
    sync::LazyLock,
};

use redis::{FromRedisValue, Script};
use serde::de::DeserializeOwned;

use super::{JobRecord, JobState, Submitted, Tally, record_kind};
use crate::{
    Failure, JobId, Redis, StoreError, UserId,
    job::{Job, Work},
    outcome::Outcome,
    queue::MAX_ATTEMPTS,
};

fn script(body: &str) -> Script {
    crate::queue::redis::script(&[include_str!("lua/prelude.lua"), body].concat())
}

static SUBMIT: LazyLock<Script> = LazyLock::new(|| script(include_str!("lua/submit.lua")));
static START: LazyLock<Script> = LazyLock::new(|| script(include_str!("lua/start.lua")));
static FINISH: LazyLock<Script> = LazyLock::new(|| script(include_str!("lua/finish.lua")));
static CANCEL: LazyLock<Script> = LazyLock::new(|| script(include_str!("lua/cancel.lua")));
static FORGET: LazyLock<Script> = LazyLock::new(|| script(include_str!("lua/forget.lua")));

/// What the keys of the jobs of an owner begin with that are not over.
const OPEN: &str = "jobs:v1:open:";

/// The records in Redis.
#[derive(Clone, Debug)]
pub(super) struct Records {
    pub(super) redis: Redis,
}

impl Records {
    /// Runs a script, which must be one that can be repeated.
    async fn run<T: FromRedisValue>(&self, script: &Script, arguments: &[String]) -> Result<T, StoreError> {
        let ahead = self.redis.clock().ahead_ms().to_string();
        self.redis.run_again(script, &[Redis::key("")], &(ahead, arguments)).await
    }

    pub(super) async fn submit(
        &self,
        owner: &UserId,
        work: Work,
        fingerprint: &str,
        most: u64,
    ) -> Result<Submitted, StoreError> {
        let id = JobId::random()?;
        let mut arguments = vec![id.to_string(), owner.0.clone(), fingerprint.to_owned()];
        arguments.extend([record_kind(&work).to_owned(), serde_json::to_string(&work)?]);
        arguments.extend([work.lane().queue_name().to_owned(), MAX_ATTEMPTS.to_string()]);
        arguments.push(serde_json::to_string(&Job::new(id.clone(), owner.clone(), work))?);
        arguments.push(most.to_string());
        let answers: String = self.run(&SUBMIT, &arguments).await?;
        if answers.is_empty() {
            return Err(StoreError::TooManyOpen(most));
        }
        let answers = JobId::parse(&answers).ok_or(StoreError::Corrupt("jobs"))?;
        Ok(Submitted { joined: answers != id, id: answers })
    }

    /// Jobs of `owner` that are not over.
    pub(super) async fn open(&self, owner: &UserId) -> Result<u64, StoreError> {
        self.redis.ask(redis::cmd("SCARD").arg(Redis::key(&format!("{OPEN}{}", owner.0)))).await
    }

    /// The jobs of `owner` that are not over.
    pub(super) async fn live(&self, owner: &UserId) -> Result<Vec<JobId>, StoreError> {
        let ids: Vec<String> =
            self.redis.ask(redis::cmd("SMEMBERS").arg(Redis::key(&format!("{OPEN}{}", owner.0)))).await?;
        ids.iter().map(|id| JobId::parse(id).ok_or(StoreError::Corrupt("jobs"))).collect()
    }

    /// Who has jobs that are not over. Looks at every key of the server, 1,000 at a time: nobody waits for it.
    pub(super) async fn busy(&self) -> Result<Vec<UserId>, StoreError> {
        let (prefix, mut cursor, mut busy) = (Redis::key(OPEN), "0".to_owned(), HashSet::new());
        loop {
            let mut command = redis::cmd("SCAN");
            command.arg(&cursor).arg("MATCH").arg(format!("{prefix}*")).arg("COUNT").arg(1000);
            let (next, keys): (String, Vec<String>) = self.redis.ask(&command).await?;
            busy.extend(keys.iter().filter_map(|key| key.strip_prefix(&prefix)).map(|owner| UserId(owner.to_owned())));
            if next == "0" {
                return Ok(busy.into_iter().collect());
            }
            cursor = next;
        }
    }

    pub(super) async fn any(&self, id: &JobId) -> Result<Option<JobRecord>, StoreError> {
        let fields: HashMap<String, String> = self.redis.ask(redis::cmd("HGETALL").arg(record_key(id))).await?;
        if fields.is_empty() { Ok(None) } else { record(id, fields).map(Some) }
    }

    pub(super) async fn set_running(&self, id: &JobId) -> Result<bool, StoreError> {
        self.run(&START, &[id.to_string()]).await
    }

    pub(super) async fn set_end(
        &self,
        id: &JobId,
        state: JobState,
        end: &Result<Outcome, Failure>,
    ) -> Result<bool, StoreError> {
        let (outcome, failure) = match end {
            Ok(outcome) => (serde_json::to_string(outcome)?, String::new()),
            Err(failure) => (String::new(), serde_json::to_string(failure)?),
        };
        self.run(&FINISH, &[id.to_string(), state.name().to_owned(), outcome, failure]).await
    }

    /// Cancels `id`, unless it is over, or shared and `spare_shared`. Returns whether it did.
    pub(super) async fn cancel(&self, id: &JobId, failure: &Failure, spare_shared: bool) -> Result<bool, StoreError> {
        let spare = u8::from(spare_shared).to_string();
        self.run(&CANCEL, &[id.to_string(), serde_json::to_string(failure)?, spare]).await
    }

    pub(super) async fn ended_before(&self, moment: i64, most: u32) -> Result<Vec<JobId>, StoreError> {
        let mut command = redis::cmd("ZRANGEBYSCORE");
        command.arg(Redis::key("jobs:v1:ended")).arg("-inf").arg(format!("({moment}")).arg("LIMIT").arg(0).arg(most);
        let ids: Vec<String> = self.redis.ask(&command).await?;
        ids.iter().map(|id| JobId::parse(id).ok_or(StoreError::Corrupt("jobs"))).collect()
    }

    pub(super) async fn forget(&self, id: &JobId) -> Result<(), StoreError> {
        while self.run::<bool>(&FORGET, &[id.to_string()]).await? {}
        Ok(())
    }

    /// Which of `ids` are over, or gone.
    pub(super) async fn over_of(
        connection: &mut redis::aio::ConnectionManager,
        ids: Vec<JobId>,
    ) -> Result<Vec<JobId>, StoreError> {
        let mut pipe = redis::pipe();
        for id in &ids {
            pipe.hget(record_key(id), "state");
        }
        let states: Vec<Option<String>> = pipe.query_async(connection).await?;
        let over = |state: &Option<String>| !matches!(state.as_deref(), Some("queued" | "running"));
        Ok(ids.into_iter().zip(states).filter(|(_, state)| over(state)).map(|(id, _)| id).collect())
    }
}

fn record_key(id: &JobId) -> String {
    Redis::key(&format!("jobs:v1:record:{id}"))
}

fn parsed<T: DeserializeOwned>(text: Option<&String>) -> Result<Option<T>, StoreError> {
    Ok(text.map(|text| serde_json::from_str(text)).transpose()?)
}

fn record(id: &JobId, mut fields: HashMap<String, String>) -> Result<JobRecord, StoreError> {
    let corrupt = || StoreError::Corrupt("jobs");
    let number = |name: &str| fields.get(name).and_then(|text| text.parse::<i64>().ok());
    let count = |name: &str| number(name).unwrap_or(0).unsigned_abs();
    let tally = Tally {
        total: count("total"),
        ok: count("ok"),
        failed: count("failed"),
        skipped: count("skipped"),
        cancelled: count("cancelled"),
        running: count("running"),
        bytes_in: count("bytes_in"),
        bytes_out: count("bytes_out"),
    };
    let (created_at, started_at, finished_at) = (number("created_at"), number("started_at"), number("finished_at"));
    let state = fields.remove("state").ok_or_else(corrupt)?;
    let mut record = JobRecord {
        id: id.clone(),
        owner: UserId(fields.remove("owner").ok_or_else(corrupt)?),
        kind: fields.remove("kind").ok_or_else(corrupt)?,
        state: serde_json::from_value(state.into())?,
        work: parsed(fields.get("work"))?.ok_or_else(corrupt)?,
        outcome: parsed(fields.get("outcome"))?,
        failure: parsed(fields.get("failure"))?,
        notes: parsed(fields.get("notes"))?.unwrap_or_default(),
        tally,
        created_at: created_at.ok_or_else(corrupt)?,
        started_at,
        finished_at,
    };
    if !matches!(record.work, Work::BatchPlan(_)) {
        record.tally = Tally::of_one(&record);
    }
    Ok(record)
}
