//! Where records are kept: in SQLite on a single machine, in Redis for many.

use crate::{Clock, Db, Redis};

/// Where records are kept. Clones share it.
#[derive(Clone, Debug)]
pub enum Store {
    /// A file of this machine.
    Sqlite(Db),
    /// A server for many machines.
    Redis(Redis),
}

impl Store {
    /// The clock that its tests may turn.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        match self {
            Self::Sqlite(db) => &db.clock,
            Self::Redis(redis) => redis.clock(),
        }
    }
}

impl From<Db> for Store {
    fn from(db: Db) -> Self {
        Self::Sqlite(db)
    }
}

impl From<Redis> for Store {
    fn from(redis: Redis) -> Self {
        Self::Redis(redis)
    }
}
