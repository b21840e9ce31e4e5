//! `get_job`: how far a job is, or what came out of it.

use std::time::Duration;

use common::{Failure, jobs::ItemStatus};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{About, Entry};
use crate::{
    Scope,
    mcp::{
        dispatch::{self, Abandoned, Call, Progress},
        reply::{self, GetJobFacts, Page, Reply},
    },
};

/// How many pictures of a batch are listed unless told otherwise.
const DEFAULT_LIMIT: u32 = 20;

#[derive(Debug, Deserialize, JsonSchema)]
struct Arguments {
    /// The job_id of an earlier result (job_…).
    job_id: String,
    /// Wait so long for the end before answering. Default 0; 45 is good for polling.
    #[schemars(range(min = 0, max = 45))]
    wait_seconds: Option<u32>,
    /// List only images of a batch in this status, such as failed.
    status: Option<ItemStatus>,
    /// List images of a batch from this index on. Default 0.
    #[schemars(range(min = 0, max = 10_000_000))]
    from: Option<u32>,
    /// How many images of a batch to list. Default 20; 0 lists none.
    #[schemars(range(min = 0, max = 50))]
    limit: Option<u32>,
}

pub(super) fn entry() -> Entry {
    let about = About {
        name: "get_job",
        title: "Look at a job",
        description: "How far a job is, or what came out of it. Poll it with wait_seconds: 45 when another tool returned \
            state queued or running; do not run that tool again. Once the job is finished it returns exactly what that \
            tool would have returned. For a batch it counts ok, failed, skipped and running \
            images, gives rate and remaining time, the first failures, and a page of images (filter with status, \
            page with from and limit). state finished includes batches in which some images failed.",
        needs: &[Scope::Read],
        works: false,
        read_only: true,
        destructive: false,
        idempotent: true,
        open_world: false,
    };
    Entry::new::<Arguments, GetJobFacts>(about, |call, arguments| {
        Box::pin(async move { run(call, super::read(arguments)?).await })
    })
}

async fn run(call: &Call, arguments: Arguments) -> Result<Reply, Failure> {
    let mut record = super::job_of(call, &arguments.job_id).await?;
    let longest = Duration::from_secs(arguments.wait_seconds.unwrap_or_default().into());
    if !record.state.is_final() && !longest.is_zero() {
        let mut progress = Progress::begin(call).await;
        record = dispatch::wait(call, &record.id, longest, Abandoned::Keep, &mut progress).await?;
    }
    let page = Page {
        status: arguments.status,
        from: arguments.from.unwrap_or_default(),
        limit: arguments.limit.unwrap_or(DEFAULT_LIMIT),
    };
    reply::of_job(&call.shared, &record, page).await
}
