//! News that processes tell each other, so that nobody has to ask again and again.

use std::{fmt, str::FromStr, time::Duration};

use futures::StreamExt;
use redis::Client;
use tokio::{sync::broadcast, task::JoinHandle};

use super::{Complaint, Redis};
use crate::{JobId, job::Lane};

/// What happened. It may be lost: whoever waits also looks for itself now and then.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum News {
    /// A lane has something.
    Wake(Lane),
    /// The record of a job has changed.
    Changed(JobId),
    /// A job is over; whoever works on it may stop.
    Over(JobId),
    /// News may have been missed.
    Reconnected,
}

impl fmt::Display for News {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wake(lane) => write!(f, "wake {}", lane.queue_name()),
            Self::Changed(id) => write!(f, "changed {id}"),
            Self::Over(id) => write!(f, "over {id}"),
            Self::Reconnected => f.write_str("reconnected"),
        }
    }
}

impl FromStr for News {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (what, whose) = text.split_once(' ').ok_or(())?;
        match what {
            "wake" => Lane::ALL.into_iter().find(|lane| lane.queue_name() == whose).map(Self::Wake).ok_or(()),
            "changed" => JobId::parse(whose).map(Self::Changed).ok_or(()),
            "over" => JobId::parse(whose).map(Self::Over).ok_or(()),
            _ => Err(()),
        }
    }
}

/// The channel of the news.
pub(super) fn channel() -> String {
    Redis::key("news")
}

/// Listens until it is dropped, and connects again whenever the connection breaks.
pub(super) struct Listener(JoinHandle<()>);

impl Listener {
    pub(super) fn start(client: Client, news: broadcast::Sender<News>) -> Self {
        Self(tokio::spawn(async move {
            const PAUSE: Duration = Duration::from_millis(200);
            let mut complaint = Complaint::default();
            loop {
                if let Err(error) = listen(&client, &news).await
                    && complaint.is_due()
                {
                    tracing::warn!(%error, "news of other processes cannot be heard; trying again");
                }
                tokio::time::sleep(PAUSE).await;
            }
        }))
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn listen(client: &Client, news: &broadcast::Sender<News>) -> redis::RedisResult<()> {
    let mut connection = client.get_async_pubsub().await?;
    connection.subscribe(channel()).await?;
    // Nobody may be listening, which is nobody's fault.
    let _ = news.send(News::Reconnected);
    let mut messages = connection.into_on_message();
    while let Some(message) = messages.next().await {
        let text: String = message.get_payload()?;
        match text.parse() {
            Ok(told) => drop(news.send(told)),
            Err(()) => tracing::debug!(text, "news of a newer version"),
        }
    }
    Ok(())
}
