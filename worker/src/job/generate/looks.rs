//! What a model that sees adds to pictures that are made: the plan before, the check and the words after.

use bytes::Bytes;
use common::{
    Failure, FailureKind, Usd, Warning,
    generation::{Generation, Task},
};
use serde_json::{Value, json};

use super::{Course, Inputs, progress, unseen, words};
use crate::provider::{Look, Provider};

/// The longest answers, in tokens.
const DESCRIPTION_TOKENS: u32 = 1200;
const PLAN_TOKENS: u32 = 1500;
const WORDS_TOKENS: u32 = 2000;

/// What came of looking at the results.
#[derive(Default)]
pub(super) struct After {
    pub(super) descriptions: Vec<String>,
    pub(super) applied: Vec<String>,
    pub(super) warnings: Vec<Warning>,
}

/// The most that all looks of a task cost; `None` where no price is known.
pub(super) fn most(provider: &Provider, asked: &Generation) -> Result<Option<Usd>, Failure> {
    let mut sum = Some(Usd::default());
    let blank = |count: usize| vec![Bytes::new(); count];
    let after = after_look(asked, &words::prompt(&asked.task), blank(1), &blank(usize::from(asked.wishes.count())));
    for look in [before_look(asked, blank(1), false), after].into_iter().flatten() {
        let (_, most) = provider.quote_look(&look)?;
        sum = sum.zip(most).map(|(sum, most)| sum + most);
    }
    Ok(sum)
}

/// What is looked at before, if anything.
fn before_look(asked: &Generation, images: Vec<Bytes>, masked: bool) -> Option<Look> {
    match &asked.task {
        Task::Edit { prompt, analyze_first: true, .. } => Some(Look {
            prompt: words::plan_edit(prompt, images.len(), masked),
            images,
            form: Some(("plan".into(), json!({"type": "object", "properties": {"instruction": {"type": "string"}}}))),
            max_tokens: Some(PLAN_TOKENS),
            ..Look::default()
        }),
        Task::Recreate { .. } => Some(Look {
            prompt: words::describe_in_full(),
            images,
            max_tokens: Some(DESCRIPTION_TOKENS),
            ..Look::default()
        }),
        _ => None,
    }
}

/// What is looked at after, if anything: an edit that was planned is held against its original.
fn after_look(asked: &Generation, prompt: &str, original: Vec<Bytes>, made: &[Bytes]) -> Option<Look> {
    let checks = is_checked(&asked.task);
    if !checks && !asked.describe {
        return None;
    }
    let mut result = json!({"type": "object", "properties": {"description": {"type": "string"}}});
    if checks {
        result["properties"]["as_asked"] = json!({"type": "boolean"});
        result["properties"]["missing"] = json!({"type": "string", "description": "empty if nothing is"});
    }
    let form = json!({"type": "object", "properties": {"results": {"type": "array", "items": result}}});
    let images =
        if checks { original.into_iter().take(1).chain(made.iter().cloned()).collect() } else { made.to_vec() };
    Some(Look {
        prompt: if checks { words::check_edit(prompt) } else { words::describe_briefly() },
        images,
        form: Some(("results".into(), form)),
        max_tokens: Some(WORDS_TOKENS),
        ..Look::default()
    })
}

fn is_checked(task: &Task) -> bool {
    matches!(task, Task::Edit { analyze_first: true, .. })
}

impl Course<'_> {
    /// What the model is told, and how it came to that.
    pub(super) async fn prompt(&mut self, inputs: &Inputs, masked: bool) -> Result<(String, Vec<String>), Failure> {
        let task = &self.asked.task;
        let Some(look) = before_look(self.asked, inputs.files(), masked) else {
            return Ok((words::prompt(task), Vec::new()));
        };
        progress::note(self.context(), &self.account.job.id, "looking at the image").await;
        let seen = self.account.until_over(self.context().provider.look(&look)).await?;
        self.looked = self.looked + seen.cost.unwrap_or_default();
        let text = match &seen.json {
            Some(plan) => plan["instruction"].as_str().unwrap_or_default().to_owned(),
            None => seen.text,
        };
        if text.trim().is_empty() {
            return Err(Failure::new(FailureKind::UpstreamFailed, "The model that looks at the image said nothing.")
                .next("Try again; or call edit_image without analyze_first."));
        }
        Ok(match task {
            Task::Recreate { style, changes, .. } => (
                words::recreated(&text, style.as_deref(), changes.as_deref()),
                vec![format!("{} described the image", seen.model)],
            ),
            _ => (text, vec![format!("{} looked at the image and wrote the instruction", seen.model)]),
        })
    }

    /// What the results show. Nothing that goes wrong here takes them away.
    pub(super) async fn look_again(&mut self, inputs: &Inputs, prompt: &str, made: &[Bytes]) -> After {
        let Some(look) = after_look(self.asked, prompt, inputs.files(), made) else { return After::default() };
        progress::note(self.context(), &self.account.job.id, "looking at the result").await;
        let seen = match self.account.until_over(self.context().provider.look(&look)).await {
            Ok(seen) => seen,
            Err(failure) => return After { warnings: vec![unseen(&failure)], ..After::default() },
        };
        self.looked = self.looked + seen.cost.unwrap_or_default();
        let results = seen.json.as_ref().and_then(|json| json["results"].as_array()).cloned().unwrap_or_default();
        let results = results.get(..made.len()).unwrap_or(&results);
        let checked = is_checked(&self.asked.task);
        let mut after = After::default();
        for (index, result) in results.iter().enumerate() {
            let text = |key: &str| result[key].as_str().unwrap_or_default().trim();
            let mut description = text("description").to_owned();
            if checked && result["as_asked"] == Value::Bool(false) {
                let message = format!(
                    "The model that looked at result {} says that it is not as asked; see its description.",
                    index + 1
                );
                after.warnings.push(Warning::new("not_as_asked", message));
                description = format!("{description} Missing: {}", text("missing"));
            }
            after.descriptions.push(description);
        }
        if checked {
            after.applied.push(format!("{} checked the result", seen.model));
        }
        after
    }
}
