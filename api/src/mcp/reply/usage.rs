//! The result of `get_usage`.

use common::{
    Failure, Keeping, StorageUse, Usd,
    generation::Payment,
    ledger::{Line, Spent},
    models::Model,
    rfc3339,
};
use schemars::JsonSchema;
use serde::Serialize;

use super::Reply;
use crate::Shared;

/// What was spent in a day or month.
#[derive(Clone, Debug, JsonSchema, Serialize)]
#[schemars(inline)]
struct PeriodFacts {
    /// US dollars, with what is set aside for calls under way.
    spent_usd: f64,
    /// The most that may be spent; absent where there is no limit.
    budget_usd: Option<f64>,
    /// What is left of it.
    left_usd: Option<f64>,
    /// When it begins anew, RFC 3339.
    resets_at: String,
}

/// What is stored of the user's, and how long.
#[derive(Clone, Debug, Default, JsonSchema, Serialize)]
#[schemars(inline)]
struct StorageFacts {
    /// Images.
    images: u64,
    /// Bytes of all of them.
    used_bytes: u64,
    /// The most that the user may store; absent where there is no limit.
    quota_bytes: Option<u64>,
    /// What is left of it.
    left_bytes: Option<u64>,
    /// After how many days images are removed; absent: never by themselves.
    kept_days: Option<i64>,
}

/// What a user has stored, and how it is kept.
pub(in crate::mcp) struct Stored {
    pub(in crate::mcp) used: StorageUse,
    pub(in crate::mcp) keeping: Keeping,
}

impl From<Stored> for StorageFacts {
    fn from(Stored { used, keeping }: Stored) -> Self {
        Self {
            images: used.pictures,
            used_bytes: used.bytes,
            quota_bytes: keeping.quota,
            left_bytes: keeping.quota.map(|quota| quota.saturating_sub(used.bytes)),
            kept_days: keeping.for_ms.map(|kept| kept / (24 * 3600 * 1000)),
        }
    }
}

/// What a tool has cost this month with a model.
#[derive(Clone, Debug, JsonSchema, Serialize)]
#[schemars(inline)]
struct LineFacts {
    /// The tool.
    tool: String,
    /// The model.
    model: String,
    /// How many calls.
    calls: u64,
    /// US dollars.
    cost_usd: f64,
}

/// A model that is known.
#[derive(Clone, Debug, JsonSchema, Serialize)]
#[schemars(inline)]
struct ModelFacts {
    /// Its name.
    name: String,
    /// images: makes and changes them; vision: looks at them.
    does: &'static str,
    /// The tools that use it unless told otherwise.
    default_for: Option<Vec<&'static str>>,
    /// The day on which it ends; then another takes its place.
    shutdown: Option<String>,
    /// Qualities that it knows.
    qualities: Option<Vec<String>>,
    /// Formats that it writes.
    formats: Option<Vec<String>>,
    /// Whether its price is known: without one it cannot be used under a budget.
    priced: bool,
}

/// What `get_usage` answers.
#[derive(Clone, Debug, Default, JsonSchema, Serialize)]
pub(in crate::mcp) struct UsageFacts {
    /// This day, UTC.
    today: Option<PeriodFacts>,
    /// This calendar month, UTC.
    month: Option<PeriodFacts>,
    /// This month by tool and model, the dearest first.
    by_tool: Option<Vec<LineFacts>>,
    /// Calls that may cost more are quoted first; so are those that make more than four images.
    confirm_above_usd: Option<f64>,
    /// Whether this connection may ask models at all.
    may_spend: Option<bool>,
    /// What is stored, and how much may be.
    storage: Option<StorageFacts>,
    /// Models that the server is set to and that end soon, or have ended.
    model_warnings: Option<Vec<String>>,
    /// Models that are known, as of `prices_as_of`. Others are passed on to the provider.
    models: Option<Vec<ModelFacts>>,
    /// The day on which what is known of models was true.
    prices_as_of: Option<String>,
    /// Only in a failed call: what went wrong, which argument, what is allowed, what to do next.
    error: Option<Failure>,
}

/// What was spent, what may be, and on what. `resets` are the ends of the day and the month.
pub(in crate::mcp) fn usage(
    shared: &Shared,
    payment: Option<Payment>,
    spent: Spent,
    lines: &[Line],
    resets: (i64, i64),
    stored: Stored,
) -> Result<Reply, Failure> {
    let may_spend = payment.is_some();
    let payment = payment.unwrap_or_default();
    let (settings, now) = (&shared.config.openai, shared.stores.clock.now_ms());
    let (makes, looks) = shared.models.all();
    let models = makes.iter().map(|model| (model, "images")).chain(looks.iter().map(|model| (model, "vision")));
    let defaults = |name: &str| {
        let set = [
            ("create_image", &settings.image_model),
            ("edit_image", &settings.edit_model),
            ("analyze_image", &settings.vision_model),
        ];
        set.into_iter().filter(|(_, model)| *model == name).map(|(tool, _)| tool).collect::<Vec<_>>()
    };
    let facts = UsageFacts {
        today: Some(period(spent.day, payment.daily, resets.0)),
        month: Some(period(spent.month, payment.monthly, resets.1)),
        by_tool: Some(lines.iter().map(line).collect()),
        confirm_above_usd: Some(shared.config.money.confirm_above),
        may_spend: Some(may_spend),
        model_warnings: Some(shared.models.endings(settings, now).into_iter().map(|ending| ending.note).collect()),
        models: Some(models.map(|(model, does)| facts_of(model, does, defaults(&model.name))).collect()),
        prices_as_of: Some(shared.models.as_of().to_owned()).filter(|day| !day.is_empty()),
        storage: Some(stored.into()),
        error: None,
    };
    let headline = format!("Models have cost {} today and {} this month (UTC).", spent.day, spent.month);
    Reply::of(&headline, &facts)
}

fn period(spent: Usd, budget: Option<Usd>, ends: i64) -> PeriodFacts {
    let left = budget.map(|budget| Usd::from_nanos(budget.nanos().saturating_sub(spent.nanos())));
    PeriodFacts {
        spent_usd: spent.dollars(),
        budget_usd: budget.map(Usd::dollars),
        left_usd: left.map(Usd::dollars),
        resets_at: rfc3339(ends),
    }
}

fn line(line: &Line) -> LineFacts {
    LineFacts { tool: line.tool.clone(), model: line.model.clone(), calls: line.calls, cost_usd: line.cost.dollars() }
}

fn facts_of(model: &Model, does: &'static str, default_for: Vec<&'static str>) -> ModelFacts {
    ModelFacts {
        name: model.name.clone(),
        does,
        default_for: Some(default_for).filter(|tools| !tools.is_empty()),
        shutdown: model.shutdown.clone(),
        qualities: Some(model.qualities.clone()).filter(|qualities| !qualities.is_empty()),
        formats: Some(model.formats.clone()).filter(|formats| !formats.is_empty()),
        priced: model.price.is_some(),
    }
}
