//! Calls that cost money: who pays, what is asked back first, and what is not paid for twice.

use std::time::Duration;

use common::{
    Failure, FailureKind, JobId, Usd, UserId,
    generation::{Generation, Payment, Quoted},
    job::Work,
    jobs::{JobRecord, JobState},
    outcome::Outcome,
    random_bytes, rfc3339,
};
use data_encoding::{BASE32_NOPAD, HEXLOWER};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{
    dispatch::{self, Abandoned, Call, LONGEST_WAIT, Progress},
    reply::{self, Reply},
};
use crate::Scope;

/// How long an offer stands.
const OFFER: Duration = Duration::from_secs(15 * 60);

/// For how long after its end a call is answered with what it made, instead of being paid for again.
const JOINED_FOR: Duration = Duration::from_secs(10 * 60);

/// How long it is remembered which job a call became: that long, and as long as jobs may take.
const REMEMBERED: Duration = Duration::from_secs(2 * 3600);

// What paid calls take besides. No documentation: it would become that of the tools.
#[derive(Debug, Default, Deserialize, JsonSchema)]
pub(super) struct Consent {
    /// From an earlier answer to this very call: the user has agreed to what it may cost.
    #[schemars(length(max = 100))]
    confirm_token: Option<String>,
    /// Pay again, even if the same call was answered within the last 10 minutes. Default false.
    fresh: Option<bool>,
}

/// An offer that stands.
#[derive(Debug, Deserialize, Serialize)]
struct Offer {
    user: UserId,
    call: String,
}

/// Who pays for this call; `None` where the caller may not ask models.
pub(super) fn payment(call: &Call) -> Option<Payment> {
    let money = &call.shared.config.money;
    call.caller.scopes.cover(Scope::ImageProcessing).then(|| Payment {
        daily: call.caller.daily_usd.or(money.daily_budget).map(Usd::from_dollars),
        monthly: money.monthly_budget.map(Usd::from_dollars),
        confirm_above: Some(Usd::from_dollars(money.confirm_above)),
    })
}

/// The same for what only a model can do.
///
/// # Errors
/// `invalid_argument` naming `argument`.
pub(super) fn payment_for(call: &Call, argument: &str, next: &str) -> Result<Payment, Failure> {
    payment(call).ok_or_else(|| {
        Failure::invalid(
            argument,
            "This needs a model, and this connection may not ask one: it lacks the scope image_processing.",
        )
        .next(next)
    })
}

/// Makes pictures: answers what was made already, asks back where it is dear, and else submits and waits.
///
/// # Errors
/// As [`dispatch::submit`]; `invalid_argument` for a token that does not fit.
pub(super) async fn generate(
    call: &Call,
    mut generation: Generation,
    consent: &Consent,
    arguments: Value,
) -> Result<Reply, Failure> {
    let fingerprint = fingerprint(call, &generation)?;
    if !consent.fresh.unwrap_or_default()
        && let Some(record) = earlier(call, &fingerprint).await?
    {
        return reply::of_call(&call.shared, &record, true).await;
    }
    let mut payment = payment_for(call, "image_processing", "Ask the user to connect again and allow paid models.")?;
    if let Some(token) = &consent.confirm_token {
        redeem(call, token.trim(), &fingerprint).await?;
        payment.confirm_above = None;
    }
    generation.payment = payment;
    let mut progress = Progress::begin(call).await;
    let submitted = dispatch::submit(call, Work::Generate(Box::new(generation))).await?;
    let state = &call.shared.stores.state;
    state.put(&remembered(&call.caller.user, &fingerprint), submitted.id.as_str().as_bytes(), Some(REMEMBERED)).await?;
    // Whoever goes away comes back for what is being paid for.
    let record = dispatch::wait(call, &submitted.id, LONGEST_WAIT, Abandoned::Keep, &mut progress).await?;
    match &record.outcome {
        Some(Outcome::Quoted(quoted)) => offer(call, &record, quoted, fingerprint, arguments).await,
        _ => reply::of_call(&call.shared, &record, submitted.joined).await,
    }
}

/// What makes two calls the same: all of it but the money.
fn fingerprint(call: &Call, generation: &Generation) -> Result<String, Failure> {
    let said = serde_json::to_vec(generation).map_err(|error| Failure::internal(&error))?;
    Ok(HEXLOWER
        .encode(&Sha256::new().chain_update(&call.caller.user.0).chain_update([0]).chain_update(said).finalize()))
}

fn remembered(user: &UserId, fingerprint: &str) -> String {
    format!("paid/{}/{fingerprint}", user.0)
}

/// The same call of a moment ago: at the end of it, or still on the way.
async fn earlier(call: &Call, fingerprint: &str) -> Result<Option<JobRecord>, Failure> {
    let stores = &call.shared.stores;
    let Some(id) = stores.state.get(&remembered(&call.caller.user, fingerprint)).await? else { return Ok(None) };
    let Some(id) = String::from_utf8(id).ok().as_deref().and_then(JobId::parse) else { return Ok(None) };
    let Some(mut record) = stores.jobs.get(&call.caller.user, &id).await? else { return Ok(None) };
    if !record.state.is_final() {
        let mut progress = Progress::begin(call).await;
        record = dispatch::wait(call, &id, LONGEST_WAIT, Abandoned::Keep, &mut progress).await?;
    }
    let since = record.finished_at.map_or(0, |end| stores.clock.now_ms() - end);
    let recent = since < i64::try_from(JOINED_FOR.as_millis()).unwrap_or(i64::MAX);
    let answers = match record.state {
        JobState::Finished => recent && matches!(record.outcome, Some(Outcome::Generated(_))),
        JobState::Queued | JobState::Running => true,
        JobState::Failed | JobState::Cancelled => false,
    };
    Ok(answers.then_some(record))
}

/// Says what it would cost, with the token that agrees to it.
async fn offer(
    call: &Call,
    record: &JobRecord,
    quoted: &Quoted,
    fingerprint: String,
    mut arguments: Value,
) -> Result<Reply, Failure> {
    let stores = &call.shared.stores;
    let token = format!("confirm_{}", BASE32_NOPAD.encode(&random_bytes::<15>()?).to_ascii_lowercase());
    let offer = Offer { user: call.caller.user.clone(), call: fingerprint };
    let offer = serde_json::to_vec(&offer).map_err(|error| Failure::internal(&error))?;
    stores.state.put(&offered(&token), &offer, Some(OFFER)).await?;
    let until = stores.clock.now_ms().saturating_add(i64::try_from(OFFER.as_millis()).unwrap_or(i64::MAX));
    arguments["confirm_token"] = token.as_str().into();
    reply::quoted(record, quoted, Some(reply::Offered { token, until: rfc3339(until), arguments }))
}

fn offered(token: &str) -> String {
    format!("offer/{token}")
}

/// Takes an offer up. Of all who try, one may.
async fn redeem(call: &Call, token: &str, fingerprint: &str) -> Result<(), Failure> {
    let state = &call.shared.stores.state;
    let refused = |why: &str| {
        Err(Failure::new(FailureKind::InvalidArgument, why).argument("confirm_token").next(
            "Call without confirm_token to be told what it costs now, ask the user, and call again with the new token.",
        ))
    };
    let Some(offer) = state.get(&offered(token)).await? else {
        return refused("This confirm_token is unknown, was used, or has expired (15 minutes).");
    };
    let offer: Offer = serde_json::from_slice(&offer).map_err(|error| Failure::internal(&error))?;
    if offer.user != call.caller.user || offer.call != fingerprint {
        return refused("This confirm_token was given for a call with other arguments.");
    }
    match state.take(&offered(token)).await? {
        Some(_) => Ok(()),
        None => refused("This confirm_token was used."),
    }
}
