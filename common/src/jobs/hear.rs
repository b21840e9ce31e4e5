//! What other processes tell of jobs reaches those who wait or work in this one.

use std::sync::Arc;

use redis::aio::ConnectionManager;
use tokio::sync::broadcast::error::RecvError;

use super::{announce::Announcements, redis::Records};
use crate::{Redis, redis::News};

/// Passes news on until the last clone of `redis` is gone; the task itself holds none.
pub(super) fn start(redis: &Redis, announcements: Arc<Announcements>) {
    let (mut news, connection) = (redis.listen(), redis.connection());
    tokio::spawn(async move {
        loop {
            match news.recv().await {
                Ok(News::Changed(id)) => announcements.changed(&id),
                Ok(News::Over(id)) => announcements.over(&id),
                Ok(News::Wake(_)) => {}
                Ok(News::Reconnected) | Err(RecvError::Lagged(_)) => {
                    catch_up(connection.clone(), &announcements).await;
                }
                Err(RecvError::Closed) => return,
            }
        }
    });
}

/// Some news may have been missed: all who wait look for themselves, and work on what is over is stopped.
async fn catch_up(mut connection: ConnectionManager, announcements: &Announcements) {
    announcements.wake_everybody();
    let working = announcements.worked_on();
    if working.is_empty() {
        return;
    }
    match Records::over_of(&mut connection, working).await {
        Ok(over) => over.iter().for_each(|id| announcements.over(id)),
        Err(error) => tracing::warn!(%error, "jobs that were cancelled meanwhile are not known"),
    }
}
