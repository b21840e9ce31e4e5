//! Job → `job::*`; failure → retry or give up. Decided here and nowhere else.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use common::{
    Failure, FailureKind, StoreError,
    job::{Job, Work},
    queue::{Delivery, Verdict},
};
use futures::FutureExt;
use tracing::Instrument;

use crate::job::{self, Context};

/// Performs one delivery and says what becomes of its entry. Never panics.
pub(crate) async fn perform(context: Arc<Context>, delivery: Delivery) -> Verdict {
    let context = &context;
    let job = match &delivery.job {
        Ok(job) => job,
        Err(reason) => {
            tracing::error!(entry = delivery.id, reason, "an entry cannot be read");
            return Verdict::Dead { reason: reason.clone() };
        }
    };
    let span = tracing::info_span!("job", id = %job.id, kind = job.work.kind(), attempt = delivery.attempt);
    let attempt = AssertUnwindSafe(attempt(context, job, &delivery)).catch_unwind();
    match attempt.instrument(span).await {
        Ok(Ok(verdict)) => verdict,
        Ok(Err(error)) => {
            tracing::warn!(%error, entry = delivery.id, "the store failed during a job");
            retry(&delivery)
        }
        Err(_) => {
            let panicked = Failure::internal(&"a job panicked");
            match end(context, job, Err(panicked)).await {
                Ok(()) => Verdict::Done,
                Err(error) => {
                    tracing::warn!(%error, entry = delivery.id, "the end of a job could not be written");
                    retry(&delivery)
                }
            }
        }
    }
}

async fn attempt(context: &Arc<Context>, job: &Job, delivery: &Delivery) -> Result<Verdict, StoreError> {
    if delivery.attempt > delivery.max_attempts {
        let reason = format!("the worker died {} times at this job", delivery.max_attempts);
        let failure = Failure::new(FailureKind::Internal, format!("Given up: {reason}."))
            .next("The picture may be more than the server can hold; try a smaller one.");
        context.stores.ledger.abandon(&job.id).await?;
        end(context, job, Err(failure)).await?;
        return Ok(Verdict::Dead { reason });
    }
    // A batch that was cancelled still lets its running pictures come through and writes its manifest.
    let part_of_batch = matches!(job.work, Work::BatchItem { .. } | Work::BatchFinish);
    if !context.stores.jobs.start(&job.id).await? && !part_of_batch {
        return Ok(Verdict::Done);
    }
    let started = std::time::Instant::now();
    let running = context.metrics.begin(delivery.attempt);
    let ended = match &job.work {
        Work::Transform(transform) => job::transform::run(context, job, transform, &delivery.hold).await.map(Some),
        Work::Inspect(inspect) => job::inspect::run(context, job, inspect).await.map(Some),
        Work::ExtractText(extract) => job::extract_text::run(context, job, extract).await.map(Some),
        Work::Compare(compare) => job::compare_images::run(context, job, compare).await.map(Some),
        Work::Analyze(analyze) => job::analyze_image::run(context, job, analyze).await.map(Some),
        Work::Generate(generation) => job::generate::run(context, job, generation, &delivery.hold).await.map(Some),
        Work::WritePrompt(write) => job::write_prompt::run(context, job, write).await.map(Some),
        Work::BatchPlan(batch) => job::batch_plan::run(context, job, batch).await.map(|()| None),
        Work::BatchItem { index } => job::batch_item::run(context, job, *index, &delivery.hold).await.map(|()| None),
        Work::BatchFinish => job::batch_finish::run(context, job).await.map(Some),
        Work::Thumbnail { image } => job::thumbnail::run(context, job, image).await.map(Some),
    };
    drop(running);
    let outcome = ended.as_ref().map_or_else(|failure| failure.kind.code(), |_| "ok");
    context.metrics.ended(job.work.kind(), outcome, started.elapsed());
    let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    match ended {
        Err(failure) if !delivery.hold.is_ours().await? => {
            tracing::warn!(%failure, duration_ms, "another worker has taken this over");
            Ok(Verdict::Done)
        }
        Err(failure) if failure.passes() && delivery.attempt < delivery.max_attempts => {
            tracing::warn!(%failure, duration_ms, "will be tried again");
            Ok(retry(delivery))
        }
        Err(failure) => {
            tracing::info!(code = failure.kind.code(), duration_ms, "failed");
            end(context, job, Err(failure)).await?;
            Ok(Verdict::Done)
        }
        Ok(outcome) => {
            tracing::debug!(duration_ms, "done");
            if let Some(outcome) = outcome {
                context.stores.jobs.finish(&job.id, &Ok(outcome)).await?;
            }
            Ok(Verdict::Done)
        }
    }
}

/// Writes a failure where it belongs: a picture of a batch fails alone.
async fn end(
    context: &Arc<Context>,
    job: &Job,
    end: Result<common::outcome::Outcome, Failure>,
) -> Result<(), StoreError> {
    match (&job.work, end) {
        (Work::BatchItem { index }, Err(failure)) => job::batch_item::fail(context, job, *index, failure).await,
        (_, end) => context.stores.jobs.finish(&job.id, &end).await,
    }
}

/// Back-off: 1 s, 4 s, 16 s … at most a minute, with a quarter of jitter so that jobs that failed together come apart.
///
/// Also after the last attempt: an entry that is put aside while its record says that it runs would be waited for in
/// vain. What comes back after that is only ended.
fn retry(delivery: &Delivery) -> Verdict {
    let base = Duration::from_secs(1) * 4u32.saturating_pow(delivery.attempt.saturating_sub(1));
    let jitter = common::random_bytes::<1>().map_or(0, |[byte]| u32::from(byte));
    let after = base.min(Duration::from_secs(60));
    Verdict::Retry { after: after + after * jitter / 1024 }
}
