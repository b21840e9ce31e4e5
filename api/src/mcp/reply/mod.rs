//! How results look: an outcome or a failure becomes a tool result here, once.
//!
//! Every fact is in `structuredContent` and again as text, because some models see the picture one turn late and some
//! clients pass on only one of the two.

mod analysis;
mod comparison;
mod deleted;
mod generated;
mod image;
mod images;
mod job;
mod lineage;
mod prompts;
mod reading;
mod report;
mod text;
mod usage;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use common::{
    Failure, FailureKind, StoreError,
    job::{Return, Work},
    jobs::{JobRecord, JobState},
    outcome::{Outcome, PreviewRef},
};
use rmcp::model::{Annotations, CallToolResult, ContentBlock, ImageContent, Resource, Role};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value, json};

pub(super) use self::{
    analysis::AnalysisFacts,
    comparison::ComparisonFacts,
    deleted::{DeletedFacts, deleted},
    generated::{GeneratedFacts, Offered, quoted},
    image::{Picture, TransformFacts},
    images::{ListFacts, More, list},
    job::{GetJobFacts, JobFacts, Page, job},
    lineage::lineage,
    prompts::PromptFacts,
    reading::ReadingFacts,
    report::ReportFacts,
    usage::{Stored, UsageFacts, usage},
};
use crate::Shared;

/// The most characters of a whole result; Claude Desktop refuses more than 1,048,576.
pub(super) const MAX_RESULT: usize = 700_000;

/// The most characters of a single structured field once the whole is too long.
const MAX_FIELD: usize = 100_000;

/// A call worth making next, with its arguments ready.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub(super) struct Next {
    /// The tool.
    tool: &'static str,
    /// Its arguments.
    arguments: Map<String, Value>,
}

impl Next {
    fn new(tool: &'static str, arguments: Value) -> Self {
        let Value::Object(arguments) = arguments else { return Self { tool, arguments: Map::new() } };
        Self { tool, arguments }
    }
}

/// How a call went that is not about its subject: the job, and what to do next.
#[derive(Clone, Debug, Default, JsonSchema, Serialize)]
pub(super) struct CallFacts {
    /// The job that did the work.
    pub(super) job_id: Option<String>,
    /// queued or running: not done yet, poll get_job; finished, failed, cancelled: over.
    pub(super) state: Option<&'static str>,
    /// True if an identical call was still running and this one joined it.
    pub(super) joined: Option<bool>,
    /// Calls worth making next, with their arguments.
    pub(super) next: Option<Vec<Next>>,
    /// Only in a failed call: what went wrong, which argument, what is allowed, what to do next.
    pub(super) error: Option<Failure>,
}

/// A tool result in the making.
#[derive(Debug, Default)]
pub(super) struct Reply {
    facts: Map<String, Value>,
    text: String,
    picture: Option<(Vec<u8>, String)>,
    link: Option<Resource>,
    failure: Option<FailureKind>,
}

impl Reply {
    /// Facts under a headline. What is `None` is left out.
    fn of(headline: &str, facts: &impl Serialize) -> Result<Self, Failure> {
        let facts = match serde_json::to_value(facts).map_err(|error| Failure::internal(&error))? {
            Value::Object(facts) => without_nulls(facts),
            other => Map::from_iter([("value".to_owned(), other)]),
        };
        Ok(Self { text: text::twin(headline, &facts), facts, ..Self::default() })
    }

    /// A failed call.
    pub(super) fn failure(failure: &Failure) -> Self {
        let facts = Map::from_iter([("error".to_owned(), json!(failure))]);
        Self { facts, text: failure.to_string(), failure: Some(failure.kind), ..Self::default() }
    }

    /// How it went, for the log.
    pub(super) fn outcome(&self) -> &'static str {
        self.failure.map_or("ok", FailureKind::code)
    }

    /// What is left for the picture, beside everything else as it is written in JSON.
    fn room(&self) -> usize {
        const AROUND_IT: usize = 4_000;
        MAX_RESULT.saturating_sub(length(&self.text) + length(&self.facts) + AROUND_IT)
    }

    /// The result as MCP wants it, never longer than [`MAX_RESULT`].
    pub(super) fn into_result(mut self) -> CallToolResult {
        let mut room = self.room();
        if room == 0 {
            self.facts.retain(|_, value| value.to_string().len() <= MAX_FIELD);
            self.text.push_str("\nSome fields are left out here because they are too long.");
            room = self.room();
        }
        let picture = self.picture.take().filter(|(bytes, _)| {
            let fits = bytes.len().div_ceil(3) * 4 <= room;
            if !fits {
                self.text.push_str("\nThe picture is too large to be shown here; use the link or path.");
            }
            fits
        });
        let mut content = vec![ContentBlock::text(self.text)];
        if let Some((bytes, media_type)) = picture {
            let audience = Annotations::default().with_audience(vec![Role::User, Role::Assistant]);
            let block = ImageContent::new(STANDARD.encode(bytes), media_type).with_annotations(audience);
            content.push(ContentBlock::Image(block));
        }
        content.extend(self.link.map(ContentBlock::resource_link));
        let mut result =
            if self.failure.is_some() { CallToolResult::error(content) } else { CallToolResult::success(content) };
        result.structured_content = Some(Value::Object(self.facts));
        result
    }
}

/// The answer to a call that made or joined the job of `record`.
pub(super) async fn of_call(shared: &Shared, record: &JobRecord, joined: bool) -> Result<Reply, Failure> {
    match (record.state, &record.failure) {
        (JobState::Failed | JobState::Cancelled, Some(failure)) => Ok(job::failed(record, failure)),
        (JobState::Finished, _) => finished(shared, record, joined, None).await,
        _ => job(shared, record, joined, None).await,
    }
}

/// The answer to a question about the job of `record`: what its own tool would have said if it is through, else how
/// far it is.
pub(super) async fn of_job(shared: &Shared, record: &JobRecord, page: Page) -> Result<Reply, Failure> {
    match (record.state, &record.failure) {
        (JobState::Failed, Some(failure)) => Ok(job::failed(record, failure)),
        (JobState::Finished, _) => finished(shared, record, false, Some(page)).await,
        _ => job(shared, record, false, Some(page)).await,
    }
}

async fn finished(shared: &Shared, record: &JobRecord, joined: bool, page: Option<Page>) -> Result<Reply, Failure> {
    match &record.outcome {
        Some(Outcome::Transformed(done)) => {
            let show = match &record.work {
                Work::Transform(work) => work.show,
                _ => Return::Preview,
            };
            let mut reply = image::transformed(shared, record, done, joined, show)?;
            reply.picture = bytes(shared, done.preview.as_ref()).await?;
            Ok(reply)
        }
        Some(Outcome::Inspected(done)) => {
            let mut reply = report::inspected(record, done, joined)?;
            reply.picture = bytes(shared, done.preview.as_ref()).await?;
            Ok(reply)
        }
        Some(Outcome::Compared(done)) => {
            let mut reply = comparison::compared(shared, record, done, joined)?;
            reply.picture = bytes(shared, done.preview.as_ref()).await?;
            Ok(reply)
        }
        Some(Outcome::Analyzed(done)) => analysis::analyzed(record, done, joined),
        Some(Outcome::TextExtracted(done)) => reading::extracted(record, done, joined),
        Some(Outcome::Generated(done)) => {
            let mut reply = generated::generated(shared, record, done, joined)?;
            reply.picture = bytes(shared, done.preview.as_ref()).await?;
            Ok(reply)
        }
        Some(Outcome::Prompts(done)) => prompts::written(record, done, joined),
        Some(Outcome::Quoted(quote)) => quoted(record, quote, None),
        _ => job(shared, record, joined, page).await,
    }
}

/// A preview that was cleaned up meanwhile is no reason to withhold the facts.
async fn bytes(shared: &Shared, preview: Option<&PreviewRef>) -> Result<Option<(Vec<u8>, String)>, Failure> {
    let Some(preview) = preview else { return Ok(None) };
    match shared.stores.blobs.get(&preview.blob).await {
        Ok(bytes) => Ok(Some((bytes, preview.media_type.clone()))),
        Err(StoreError::Missing) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn length(value: &impl Serialize) -> usize {
    serde_json::to_string(value).map_or(0, |text| text.len())
}

fn without_nulls(facts: Map<String, Value>) -> Map<String, Value> {
    fn clean(value: Value) -> Value {
        match value {
            Value::Object(object) => Value::Object(without_nulls(object)),
            Value::Array(items) => items.into_iter().map(clean).collect(),
            other => other,
        }
    }
    facts.into_iter().filter(|(_, value)| !value.is_null()).map(|(key, value)| (key, clean(value))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size(reply: Reply) -> (usize, CallToolResult) {
        let result = reply.into_result();
        (serde_json::to_string(&result).unwrap().len(), result)
    }

    #[test]
    fn absent_facts_are_omitted_at_every_depth() {
        let facts = json!({"a": null, "b": {"c": null, "d": [{"e": null, "f": 1}]}});
        let reply = Reply::of("Done.", &facts).unwrap();
        assert_eq!(Value::Object(reply.facts), json!({"b": {"d": [{"f": 1}]}}));
    }

    #[test]
    fn a_picture_that_fits_is_shown_and_one_that_does_not_is_not() {
        for (bytes, shown) in [(100_000, true), (520_000, true), (530_000, false), (5_000_000, false)] {
            let mut reply = Reply::of("Done.", &json!({"image_id": "img_x"})).unwrap();
            reply.picture = Some((vec![0; bytes], "image/png".into()));
            let (size, result) = size(reply);
            assert!(size <= MAX_RESULT, "{size}");
            assert_eq!(result.content.iter().any(|block| block.as_image().is_some()), shown, "{bytes}");
        }
    }

    #[test]
    fn endless_facts_are_cut() {
        let reply = Reply::of("Done.", &json!({"bytes": 1, "report": {"exif": "x".repeat(2_000_000)}})).unwrap();
        let (size, result) = size(reply);
        assert!(size <= MAX_RESULT, "{size}");
        assert_eq!(result.structured_content.unwrap(), json!({"bytes": 1}));
    }

    #[test]
    fn a_failure_says_its_four_parts_twice() {
        let failure = Failure::invalid("width", "The width is 0.").allowed("1 to 16384").next("Give one.");
        let result = Reply::failure(&failure).into_result();
        assert_eq!(result.is_error, Some(true));
        assert_eq!(result.structured_content.unwrap()["error"]["argument"], "width");
        assert!(result.content[0].as_text().unwrap().text.contains("Allowed: 1 to 16384."));
    }
}
