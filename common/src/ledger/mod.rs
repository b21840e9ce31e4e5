//! What calls of models cost: set aside before a call, settled after it, never more than the budget.
//!
//! A row is a job's. It counts in the day and month (UTC) in which it was set aside, even if it is settled later.

mod period;
mod redis;
mod sqlite;
#[cfg(test)]
mod tests;

pub use self::period::Period;
use self::period::Today;
use crate::{Clock, JobId, Store, StoreError, Usd, UserId};

/// The ledger, in SQLite or Redis. Clones share it.
#[derive(Clone, Debug)]
pub struct Ledger {
    store: Store,
}

/// Most that a user may spend; `None` is no limit.
#[derive(Clone, Copy, Debug, Default)]
pub struct Budget {
    /// In a calendar day, UTC.
    pub daily: Option<Usd>,
    /// In a calendar month, UTC.
    pub monthly: Option<Usd>,
}

/// A call that is about to be paid for.
#[derive(Clone, Debug)]
pub struct Call {
    /// The job that makes it.
    pub job: JobId,
    /// Who pays.
    pub owner: UserId,
    /// The tool that was called.
    pub tool: String,
    /// The model that is asked.
    pub model: String,
    /// The most that it is expected to cost.
    pub estimate: Usd,
}

/// Whether a call may be made.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Reserved {
    /// Its estimate is set aside.
    Granted,
    /// This job has made its call before: it is not to be made again.
    Submitted,
    /// It would cross a budget. Nothing was set aside.
    Refused {
        /// Which budget.
        period: Period,
        /// What is left of it.
        left: Usd,
        /// When it begins anew, in milliseconds since 1970.
        resets_at: i64,
    },
}

/// What a tool has cost a user with a model.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Line {
    /// The tool.
    pub tool: String,
    /// The model.
    pub model: String,
    /// Calls that were made or are being made.
    pub calls: u64,
    /// What they cost together, or may cost.
    pub cost: Usd,
}

/// What a user has spent or set aside.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Spent {
    /// In this calendar day, UTC.
    pub day: Usd,
    /// In this calendar month, UTC.
    pub month: Usd,
}

impl Budget {
    /// Why `more` may not be spent, if so: the month counts first, because it lasts longer.
    fn refuses(&self, spent: Spent, more: Usd, today: &Today) -> Option<Reserved> {
        let over = |period, budget: Option<Usd>, spent: Usd| {
            let budget = budget.filter(|budget| spent + more > *budget)?;
            let left = Usd::from_nanos(budget.nanos().saturating_sub(spent.nanos()));
            Some(Reserved::Refused { period, left, resets_at: today.end(period) })
        };
        over(Period::Month, self.monthly, spent.month).or_else(|| over(Period::Day, self.daily, spent.day))
    }
}

impl Ledger {
    /// The ledger in `store`.
    #[must_use]
    pub fn new(store: impl Into<Store>) -> Self {
        Self { store: store.into() }
    }

    /// Sets the estimate of a call aside, unless that crosses the budget. Of two that race for the last of it, one
    /// gets it. Asked again for a job that has not made its call, it is granted again and counted once.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub async fn reserve(&self, call: &Call, budget: Budget) -> Result<Reserved, StoreError> {
        match &self.store {
            Store::Sqlite(db) => sqlite::reserve(db, call, budget).await,
            Store::Redis(redis) => redis::reserve(redis, call, budget).await,
        }
    }

    /// The call of `job` is about to be sent; says whether it may. Of all who ask, one is told so, and nobody after.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub async fn submit(&self, job: &JobId) -> Result<bool, StoreError> {
        match &self.store {
            Store::Sqlite(db) => sqlite::submit(db, job).await,
            Store::Redis(redis) => redis::submit(redis, job).await,
        }
    }

    /// The call of `job` has cost `cost`. The first settlement stands.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub async fn settle(&self, job: &JobId, cost: Usd) -> Result<(), StoreError> {
        match &self.store {
            Store::Sqlite(db) => sqlite::settle(db, job, cost).await,
            Store::Redis(redis) => redis::settle(redis, job, cost).await,
        }
    }

    /// The call of `job` has surely made nothing, although it may have been sent: it costs nothing, and may be made.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub async fn release(&self, job: &JobId) -> Result<(), StoreError> {
        match &self.store {
            Store::Sqlite(db) => sqlite::release(db, job, true).await,
            Store::Redis(redis) => redis::release(redis, job, true).await,
        }
    }

    /// The worker of `job` is gone: what was sent stays charged at its estimate, what was not is released.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub async fn abandon(&self, job: &JobId) -> Result<(), StoreError> {
        match &self.store {
            Store::Sqlite(db) => sqlite::release(db, job, false).await,
            Store::Redis(redis) => redis::release(redis, job, false).await,
        }
    }

    /// What `owner` has spent or set aside.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn spent(&self, owner: &UserId) -> Result<Spent, StoreError> {
        match &self.store {
            Store::Sqlite(db) => sqlite::spent(db, owner, &today(&db.clock)).await,
            Store::Redis(redis) => redis::spent(redis, owner, &today(redis.clock())).await,
        }
    }
}

impl Ledger {
    /// When the present `period` is over, in milliseconds since 1970.
    #[must_use]
    pub fn ends(&self, period: Period) -> i64 {
        match &self.store {
            Store::Sqlite(db) => today(&db.clock),
            Store::Redis(redis) => today(redis.clock()),
        }
        .end(period)
    }

    /// What `owner` has spent in this month (UTC) on each tool with each model, the dearest first.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn this_month(&self, owner: &UserId) -> Result<Vec<Line>, StoreError> {
        let mut lines = match &self.store {
            Store::Sqlite(db) => sqlite::lines(db, owner, &today(&db.clock)).await,
            Store::Redis(redis) => redis::lines(redis, owner, &today(redis.clock())).await,
        }?;
        lines.sort_by(|one, other| {
            other.cost.cmp(&one.cost).then_with(|| (&one.tool, &one.model).cmp(&(&other.tool, &other.model)))
        });
        Ok(lines)
    }
}

fn today(clock: &Clock) -> Today {
    Today::at(clock.now_ms())
}

fn nanos(sum: Usd) -> i64 {
    i64::try_from(sum.nanos()).unwrap_or(i64::MAX)
}

fn spent((day, month): (i64, i64)) -> Spent {
    let sum = |nanos: i64| Usd::from_nanos(u64::try_from(nanos).unwrap_or_default());
    Spent { day: sum(day), month: sum(month) }
}

fn line(tool: String, model: String, calls: i64, nanos: i64) -> Line {
    let number = |number: i64| u64::try_from(number).unwrap_or_default();
    Line { tool, model, calls: number(calls), cost: Usd::from_nanos(number(nanos)) }
}
