//! What a worker counts, in the format that Prometheus reads (OpenMetrics 1.0).

use std::{
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};

use common::{
    job::Lane,
    queue::{Depth, Pressure},
};
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::{Registry, Unit},
};

/// What a worker counts. Clones share the counters.
#[derive(Clone, Debug)]
pub struct Metrics {
    registry: Arc<Registry>,
    jobs: Family<Ended, Counter>,
    seconds: Family<Kind, Histogram>,
    running: Gauge,
    redelivered: Counter,
    queue: Family<Place, Gauge>,
    waiting: Family<Whole, Gauge>,
    longest_wait: Family<Whole, Gauge<f64, AtomicU64>>,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct Ended {
    kind: &'static str,
    /// `ok`, or the code of the failure.
    outcome: &'static str,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct Kind {
    kind: &'static str,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct Place {
    lane: &'static str,
    /// `queued`, `running` or `dead`.
    state: &'static str,
}

/// No label. In a family, though, a figure can be left out.
type Whole = [(&'static str, &'static str); 0];

/// Seconds: from a thumbnail to the longest that a job may take.
const BUCKETS: [f64; 12] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0, 120.0];

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("image_tool");
        let jobs = Family::<Ended, Counter>::default();
        registry.register("jobs", "Attempts at jobs that ended, by how they ended", jobs.clone());
        let seconds = Family::<Kind, Histogram>::new_with_constructor(|| Histogram::new(BUCKETS));
        registry.register_with_unit("job", "Time that an attempt at a job took", Unit::Seconds, seconds.clone());
        let running = Gauge::default();
        registry.register("jobs_running", "Jobs that are being worked on", running.clone());
        let redelivered = Counter::default();
        registry.register(
            "jobs_redelivered",
            "Attempts at jobs that had been begun before: by a worker that died, or in vain",
            redelivered.clone(),
        );
        let queue = Family::<Place, Gauge>::default();
        registry.register("queue", "Entries in the queue, which is the same for all workers", queue.clone());
        let waiting = Family::<Whole, Gauge>::default();
        registry.register("queue_calls", "Calls that wait for a worker", waiting.clone());
        let longest_wait = Family::<Whole, Gauge<f64, AtomicU64>>::default();
        let help = "How long the first of the calls that wait for a worker has been waiting";
        registry.register_with_unit("queue_wait", help, Unit::Seconds, longest_wait.clone());
        Self { registry: Arc::new(registry), jobs, seconds, running, redelivered, queue, waiting, longest_wait }
    }
}

impl Metrics {
    /// Counts an attempt, 1 or a later one, from its beginning to its end.
    pub(crate) fn begin(&self, attempt: u32) -> Running {
        self.running.inc();
        if attempt > 1 {
            self.redelivered.inc();
        }
        Running(self.running.clone())
    }

    /// Counts the end of an attempt; `outcome` is `ok` or the code of the failure.
    pub(crate) fn ended(&self, kind: &'static str, outcome: &'static str, took: Duration) {
        self.jobs.get_or_create(&Ended { kind, outcome }).inc();
        self.seconds.get_or_create(&Kind { kind }).observe(took.as_secs_f64());
    }

    /// Notes how full `lane` is; what is not known is left out, so that nobody takes an old figure for a new one.
    pub(crate) fn queue(&self, lane: Lane, depth: Option<Depth>) {
        let counts = depth.map(|depth| [depth.queued, depth.running, depth.dead]);
        for (place, state) in ["queued", "running", "dead"].into_iter().enumerate() {
            let label = Place { lane: lane.queue_name(), state };
            match counts {
                Some(counts) => {
                    self.queue.get_or_create(&label).set(i64::try_from(counts[place]).unwrap_or(i64::MAX));
                }
                None => {
                    self.queue.remove(&label);
                }
            }
        }
    }

    /// Notes how much waits that somebody waits for; what is not known is left out.
    pub(crate) fn pressure(&self, pressure: Option<Pressure>) {
        match pressure {
            Some(Pressure { waiting, longest_wait }) => {
                self.waiting.get_or_create(&[]).set(i64::try_from(waiting).unwrap_or(i64::MAX));
                self.longest_wait.get_or_create(&[]).set(longest_wait.as_secs_f64());
            }
            None => {
                self.waiting.clear();
                self.longest_wait.clear();
            }
        }
    }

    /// Everything, as text.
    ///
    /// # Errors
    /// Never in practice: text is written to memory.
    pub fn text(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

/// An attempt that is under way, also counted off if it is dropped.
pub(crate) struct Running(Gauge);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.dec();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_counted_can_be_read() {
        let metrics = Metrics::default();
        let running = metrics.begin(1);
        drop(metrics.begin(2));
        metrics.ended("transform", "ok", Duration::from_millis(30));
        metrics.ended("transform", "image_unreadable", Duration::from_millis(3));
        let text = metrics.text().unwrap();
        for line in [
            "image_tool_jobs_total{kind=\"transform\",outcome=\"ok\"} 1",
            "image_tool_job_seconds_count{kind=\"transform\"} 2",
            "image_tool_jobs_running 1",
            "image_tool_jobs_redelivered_total 1",
            "# EOF",
        ] {
            assert!(text.contains(line), "{line} is not in {text}");
        }
        drop(running);
        assert!(metrics.text().unwrap().contains("image_tool_jobs_running 0"));
    }

    #[test]
    fn what_cannot_be_known_is_not_shown() {
        let metrics = Metrics::default();
        metrics.queue(Lane::Cpu, Some(Depth { queued: 7, running: 2, dead: 0 }));
        metrics.pressure(Some(Pressure { waiting: 3, longest_wait: Duration::from_millis(1500) }));
        let text = metrics.text().unwrap();
        for line in [
            "image_tool_queue{lane=\"image:cpu:v1\",state=\"queued\"} 7",
            "image_tool_queue_calls{} 3",
            "image_tool_queue_wait_seconds{} 1.5",
        ] {
            assert!(text.contains(line), "{line} is not in {text}");
        }
        metrics.queue(Lane::Cpu, None);
        metrics.pressure(None);
        assert!(!metrics.text().unwrap().contains("image_tool_queue{"));
        assert!(!metrics.text().unwrap().contains("image_tool_queue_wait_seconds{} 1.5"));
    }
}
