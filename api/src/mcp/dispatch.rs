//! From a call to its job and back: submit, wait with progress, or hand back an id.

use std::{sync::Arc, time::Duration};

use common::{
    Failure, FailureKind, JobId,
    job::Work,
    jobs::{self, JobRecord, JobState, Submitted},
};
use rmcp::{
    RoleServer,
    model::{ProgressNotificationParam, ProgressToken},
    service::RequestContext,
};
use tokio::time::Instant;

use super::reply::{self, Reply};
use crate::{Caller, Shared};

/// The longest wait of a call. Clients give up after about a minute.
pub(super) const LONGEST_WAIT: Duration = Duration::from_secs(45);

/// How often a waiting caller hears something.
const PROGRESS_EVERY: Duration = Duration::from_secs(1);

/// A call of a tool.
pub(super) struct Call {
    pub(super) shared: Arc<Shared>,
    pub(super) caller: Caller,
    pub(super) context: RequestContext<RoleServer>,
}

/// What happens to the job of a call whose client goes away.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Abandoned {
    /// Nobody will look at the result: it is cancelled.
    Cancel,
    /// It goes on.
    Keep,
}

/// Does work on one picture: waits for it, at most 45 s.
pub(super) async fn perform(call: &Call, work: Work) -> Result<Reply, Failure> {
    let (record, joined) = submit_and_wait(call, work, LONGEST_WAIT, Abandoned::Cancel).await?;
    reply::of_call(&call.shared, &record, joined).await
}

/// Submits work and waits for it, at most `longest`. Returns its record as it is then, and whether the call joined
/// an identical one that was running already.
pub(super) async fn submit_and_wait(
    call: &Call,
    work: Work,
    longest: Duration,
    abandoned: Abandoned,
) -> Result<(JobRecord, bool), Failure> {
    let mut progress = Progress::begin(call).await;
    let submitted = submit(call, work).await?;
    let abandoned = if submitted.joined { Abandoned::Keep } else { abandoned };
    let record = wait(call, &submitted.id, longest, abandoned, &mut progress).await?;
    Ok((record, submitted.joined))
}

/// Submits work, unless the caller may not name what it names or has too many jobs.
pub(super) async fn submit(call: &Call, work: Work) -> Result<Submitted, Failure> {
    if work.names_files() && !call.caller.files {
        let message = "Only the owner of this server may name its files and folders.";
        return Err(Failure::new(FailureKind::FileNotReachable, message)
            .allowed("the image_id of an earlier result (img_…), or a data: URL; no save_to and no folder")
            .next("Call again with one of these."));
    }
    if work.makes_pictures() {
        call.shared.stores.images.has_room(&call.caller.user).await?;
    }
    let most = if call.caller.limited { call.shared.config.queue.max_jobs_per_user } else { u64::MAX };
    Ok(call.shared.stores.jobs.submit_within(&call.caller.user, work, most).await?)
}

/// Waits until the job is over, or `longest` has passed, or the server is told to stop; returns its record.
pub(super) async fn wait(
    call: &Call,
    id: &JobId,
    longest: Duration,
    abandoned: Abandoned,
    progress: &mut Progress<'_>,
) -> Result<JobRecord, Failure> {
    let jobs = &call.shared.stores.jobs;
    let deadline = Instant::now() + longest;
    loop {
        let stopping = call.shared.stopping.is_cancelled();
        let left = if stopping { Duration::ZERO } else { deadline.saturating_duration_since(Instant::now()) };
        let slice = left.min(PROGRESS_EVERY);
        let record = tokio::select! {
            record = jobs.wait(id, slice) => record?,
            () = call.context.ct.cancelled() => return Err(give_up(call, id, abandoned).await?),
            () = call.shared.stopping.cancelled(), if !stopping => continue,
        };
        if record.state.is_final() || slice == left {
            return Ok(record);
        }
        progress.tell(&record).await;
    }
}

async fn give_up(call: &Call, id: &JobId, abandoned: Abandoned) -> Result<Failure, Failure> {
    let cancelled = abandoned == Abandoned::Cancel && call.shared.stores.jobs.abandon(id).await?;
    tracing::info!(job.id = %id, cancelled, "the client went away");
    Ok(Failure::new(FailureKind::Cancelled, "The call was cancelled."))
}

/// Tells a client that asked for it how far its job is.
pub(super) struct Progress<'a> {
    call: &'a Call,
    token: Option<ProgressToken>,
    last: f64,
}

impl<'a> Progress<'a> {
    /// Says "queued" at once: some clients take silence for a dead server.
    pub(super) async fn begin(call: &'a Call) -> Self {
        let progress = Self { call, token: call.context.meta.get_progress_token(), last: 0.0 };
        progress.send(0.0, None, "queued".into()).await;
        progress
    }

    async fn tell(&mut self, record: &JobRecord) {
        let tally = &record.tally;
        // It must grow with every message, even while the same picture is being worked on.
        self.last = fraction(tally.done()).max(self.last + 0.001);
        // One picture has no fractions to tell of.
        let total = (tally.total > 1).then(|| fraction(tally.total).max(self.last));
        let message = match record.state {
            JobState::Queued => "queued".into(),
            _ if matches!(record.work, Work::Generate(_)) => self.of_model(record).await,
            _ if record.kind != "batch" => "running".into(),
            _ if tally.total == 0 => "looking for pictures".into(),
            _ => format!(
                "{} of {} done: {} ok, {} failed, {} skipped, {} running",
                tally.done(),
                tally.total,
                tally.ok,
                tally.failed,
                tally.skipped,
                tally.running
            ),
        };
        self.send(self.last, total, message).await;
    }

    /// What a worker says that asks a model, with a link to what is not finished yet.
    async fn of_model(&self, record: &JobRecord) -> String {
        let shared = &self.call.shared;
        let told = match &self.token {
            Some(_) => jobs::Progress::of(&shared.stores.state, &record.id).await.unwrap_or_default(),
            None => None,
        };
        let Some(told) = told else { return "running".into() };
        // With the id, by which it can be cancelled.
        let words = format!("{} ({})", told.words, record.id);
        match told.unfinished.zip(shared.links.as_ref()) {
            Some((number, links)) => format!("{words}: {}", links.unfinished(&record.id, number)),
            None => words,
        }
    }

    async fn send(&self, progress: f64, total: Option<f64>, message: String) {
        let Some(token) = &self.token else { return };
        let mut notification = ProgressNotificationParam::new(token.clone(), progress).with_message(message);
        notification.total = total;
        // A client that is gone shows in the cancellation token.
        let _ = self.call.context.peer.notify_progress(notification).await;
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of pictures are far below 2^52")]
fn fraction(count: u64) -> f64 {
    count as f64
}
