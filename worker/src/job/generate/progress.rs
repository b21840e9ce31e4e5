//! How far a model is, for whoever waits: words, and pictures that are not finished.

use std::sync::Arc;

use common::{JobId, jobs::Progress};
use tokio::{sync::mpsc, task::JoinHandle};

use crate::{job::Context, provider::Partial};

enum News {
    Words(String),
    Partial(Partial),
}

/// Tells, without making anybody wait.
pub(super) struct Teller {
    news: mpsc::UnboundedSender<News>,
    writing: JoinHandle<()>,
}

impl Teller {
    pub(super) fn say(&self, words: String) {
        // Whoever wrote it down is gone only with this.
        let _ = self.news.send(News::Words(words));
    }

    /// Waits until all is written down that was told before; whoever tells of pictures must be gone.
    pub(super) async fn finish(self) {
        drop(self.news);
        let _ = self.writing.await;
    }
}

/// Begins to write down what is told, in this order.
pub(super) fn start(context: &Arc<Context>, job: &JobId) -> (Teller, impl Fn(Partial) + Send + Sync + use<>) {
    let (news, mut heard) = mpsc::unbounded_channel();
    let (context, job) = (context.clone(), job.clone());
    let writing = tokio::spawn(async move {
        while let Some(news) = heard.recv().await {
            match news {
                News::Words(words) => note(&context, &job, &words).await,
                News::Partial(partial) => unfinished(&context, &job, partial).await,
            }
        }
    });
    let partials = news.clone();
    let tell = move |partial| {
        let _ = partials.send(News::Partial(partial));
    };
    (Teller { news, writing }, tell)
}

/// Writes down how far it is. Nobody fails for it.
pub(super) async fn note(context: &Context, job: &JobId, words: &str) {
    put(context, job, Progress { words: words.into(), unfinished: None }).await;
}

async fn unfinished(context: &Context, job: &JobId, partial: Partial) {
    let number = partial.index + 1;
    let key = Progress::blob(job, number);
    if let Err(error) = context.stores.blobs.put(&key, partial.bytes.to_vec()).await {
        tracing::warn!(%error, "an unfinished image is not shown");
        return;
    }
    put(context, job, Progress { words: format!("unfinished image {number}"), unfinished: Some(number) }).await;
}

async fn put(context: &Context, job: &JobId, progress: Progress) {
    if let Err(error) = progress.put(&context.stores.state, job).await {
        tracing::warn!(%error, "nobody is told how far it is");
    }
}

/// Removes the unfinished pictures of a job that is over.
pub(super) async fn clear(context: &Context, job: &JobId, most: Option<u8>) {
    for number in 1..=u64::from(most.unwrap_or_default()) {
        if let Err(error) = context.stores.blobs.delete(&Progress::blob(job, number)).await {
            tracing::warn!(%error, "an unfinished image is left behind");
        }
    }
}
