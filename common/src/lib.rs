//! What the web and the worker both say, and where they meet: jobs, records, the queue and the stores.
#![forbid(unsafe_code)]

pub mod analysis;
mod blobs;
mod clock;
pub mod comparison;
mod db;
mod facts;
mod failure;
mod format;
pub mod generation;
mod ids;
mod images;
pub mod job;
pub mod jobs;
pub mod kept;
pub mod ledger;
pub mod models;
mod money;
pub mod naming;
pub mod outcome;
mod private;
pub mod process;
mod public_address;
pub mod queue;
pub mod reading;
pub mod recipe;
mod redis;
pub mod report;
pub mod schema;
mod state;
mod storage_mark;
mod store;
mod stores;
pub mod telemetry;
#[cfg(test)]
mod test_store;

pub use self::redis::Redis;
pub use blobs::{BlobFound, Blobs, ObjectError, Reading};
pub use clock::{Clock, rfc3339};
pub use db::{Db, StoreError};
pub use facts::{Facts, Warning};
pub use failure::{Failure, FailureKind};
pub use format::Format;
pub use ids::{ImageId, JobId, UserId, random_bytes};
pub use images::{Ancestor, ByModel, Found, ImageRecord, Images, Keeping, Lineage, Listing, Named, StorageUse};
pub use jobs::Jobs;
pub use ledger::Ledger;
pub use money::Usd;
pub use public_address::is_public;
pub use queue::Queue;
pub use recipe::{Recipe, Step};
pub use report::{Report, Section};
pub use state::{Count, Pair, State};
pub use store::Store;
pub use stores::Stores;
