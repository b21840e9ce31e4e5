//! How work is shared out.

use std::time::Duration;

use crate::{
    Surroundings, Way,
    reader::{About, Reader},
};

const fn about(name: &'static str, meaning: &'static str) -> About {
    About { section: "Queue", name, meaning }
}

/// How work is shared out.
#[derive(Clone, Debug)]
pub struct Queue {
    /// How long a worker may stay silent before its jobs are given to another.
    pub lease: Duration,
    /// Pictures worked on at once.
    pub worker_concurrency: usize,
    /// Jobs that wait (for a disk or a network) at once.
    pub remote_concurrency: usize,
    /// Jobs that one user may have that are not over.
    pub max_jobs_per_user: u64,
    /// Calls that may wait for a worker at once, of all users.
    pub max_waiting_jobs: u64,
    /// How long a call may have waited for a worker before new ones are refused.
    pub max_queue_wait: Duration,
    /// Whether the server works on pictures itself.
    pub embedded_worker: bool,
}

impl Queue {
    pub(crate) fn read(reader: &mut Reader<'_>, around: &Surroundings, redis: bool) -> Self {
        let lease = reader.integer(
            &about("QUEUE_LEASE_SECS", "How long a worker may stay silent before its jobs go to another."),
            30,
            1..=600,
            "seconds",
        );
        let cores = around.cores;
        let worker_concurrency = reader.parsed(
            &about("WORKER_CONCURRENCY", "Pictures worked on at once."),
            (cores, "the number of cores"),
            "1 to 256",
            |text| within(text, 256),
        );
        let remote_concurrency = reader.parsed(
            &about("REMOTE_CONCURRENCY", "Jobs that only wait for disks or networks, at once."),
            (32, "32"),
            "1 to 1024",
            |text| within(text, 1024),
        );
        let (max_jobs_per_user, max_waiting_jobs, max_queue_wait) = admission(reader);
        let embedded_worker = match around.way {
            Way::Serve => embedded_worker(reader, redis),
            // These work, whatever the server does.
            Way::Stdio | Way::Worker => {
                reader.aside(|reader| embedded_worker(reader, redis));
                true
            }
        };
        Self {
            lease: Duration::from_secs(lease),
            worker_concurrency,
            remote_concurrency,
            max_jobs_per_user,
            max_waiting_jobs,
            max_queue_wait,
            embedded_worker,
        }
    }
}

/// What is let in: jobs of one user, calls that wait, and how long one may wait.
fn admission(reader: &mut Reader<'_>) -> (u64, u64, Duration) {
    let max_jobs_per_user = reader.integer(
        &about(
            "MAX_JOBS_PER_USER",
            "Jobs that one user may have that are not over; a batch is one. More are refused (429).",
        ),
        32,
        1..=10_000,
        "",
    );
    let max_waiting_jobs = reader.integer(
        &about("MAX_WAITING_JOBS", "Calls that may wait for a worker at once, of all users. More are refused (503)."),
        1000,
        1..=100_000,
        "",
    );
    let max_queue_wait = reader.integer(
        &about(
            "MAX_QUEUE_WAIT_SECS",
            "How long a call may have waited for a worker before new ones are refused (503).",
        ),
        120,
        5..=3600,
        "seconds",
    );
    (max_jobs_per_user, max_waiting_jobs, Duration::from_secs(max_queue_wait))
}

fn embedded_worker(reader: &mut Reader<'_>, redis: bool) -> bool {
    const NAME: &str = "EMBEDDED_WORKER";
    let about = about(NAME, "Whether the server works on pictures itself; off leaves that to image-tool-worker.");
    let on = reader.switch(&about, !redis, "on; off with a REDIS_URL");
    if !on && !redis {
        reader.mistake(NAME, "off leaves nobody to work: workers of their own need a REDIS_URL".into());
    }
    on
}

fn within(text: &str, most: usize) -> Result<usize, String> {
    match text.parse() {
        Ok(value) if (1..=most).contains(&value) => Ok(value),
        _ => Err(format!("\"{text}\" is not a whole number from 1 to {most}")),
    }
}

#[cfg(test)]
mod tests {
    use crate::tests::{SHARED, read};

    #[test]
    fn somebody_works() {
        assert!(read(&[]).unwrap().queue.embedded_worker);
        assert!(!read(&SHARED).unwrap().queue.embedded_worker);
        assert!(read(&[SHARED[0], SHARED[1], ("EMBEDDED_WORKER", "on")]).unwrap().queue.embedded_worker);
        assert!(read(&[("EMBEDDED_WORKER", "off")]).unwrap_err().to_string().contains("nobody"));
    }
}
