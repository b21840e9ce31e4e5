//! `cancel_job`: stop a job.

use common::Failure;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{About, Entry};
use crate::{
    Scope,
    mcp::{
        dispatch::Call,
        reply::{self, JobFacts, Reply},
    },
};

#[derive(Debug, Deserialize, JsonSchema)]
struct Arguments {
    /// The job_id of an earlier result (job_…).
    job_id: String,
}

pub(super) fn entry() -> Entry {
    let about = About {
        name: "cancel_job",
        title: "Cancel a job",
        description: "Stops a job that is queued or running. Images of a batch that wait are dropped, those being worked \
            on still come through, finished results stay; the answer counts all of them. A job that is over stays as \
            it is.",
        needs: &[Scope::Write],
        works: false,
        read_only: false,
        destructive: true,
        idempotent: true,
        open_world: false,
    };
    Entry::new::<Arguments, JobFacts>(about, |call, arguments| {
        Box::pin(async move { run(call, super::read(arguments)?).await })
    })
}

async fn run(call: &Call, arguments: Arguments) -> Result<Reply, Failure> {
    let record = super::job_of(call, &arguments.job_id).await?;
    let record = call.shared.stores.jobs.cancel(&record.id).await?.unwrap_or(record);
    reply::job(&call.shared, &record, false, None).await
}
