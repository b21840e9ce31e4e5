//! Who pays for the models that a job asks: set aside before, settled after.

use std::sync::Arc;

use common::{
    Failure, FailureKind, StoreError, Usd,
    generation::{Bill, Payment},
    job::Job,
    ledger::{Budget, Call, Period, Reserved},
    rfc3339,
};

use super::Context;
use crate::provider::{Look, Seen};

/// The account of a job.
#[derive(Clone, Copy)]
pub(super) struct Account<'a> {
    pub(super) context: &'a Arc<Context>,
    pub(super) job: &'a Job,
    pub(super) tool: &'static str,
    pub(super) payment: &'a Payment,
}

impl Account<'_> {
    /// Sets `most` aside for asking `model`. Returns false where this job has asked before.
    ///
    /// # Errors
    /// `budget_exceeded` where that crosses a budget; `invalid_argument` where there is one and no price is known.
    pub(super) async fn open(&self, model: &str, most: Option<Usd>) -> Result<bool, Failure> {
        let budget = Budget { daily: self.payment.daily, monthly: self.payment.monthly };
        let limited = budget.daily.is_some() || budget.monthly.is_some();
        let estimate = match most {
            Some(most) => most,
            None if limited => return Err(without_price(model)),
            None => Usd::default(),
        };
        let call = Call {
            job: self.job.id.clone(),
            owner: self.job.owner.clone(),
            tool: self.tool.into(),
            model: model.into(),
            estimate,
        };
        match self.context.stores.ledger.reserve(&call, budget).await? {
            Reserved::Granted => Ok(true),
            Reserved::Submitted => Ok(false),
            Reserved::Refused { period, left, resets_at } => Err(over(estimate, period, left, resets_at)),
        }
    }

    /// Writes that the call is about to be sent, so that whoever takes this job up again does not send it.
    pub(super) async fn submit(&self) -> Result<(), Failure> {
        if self.context.stores.ledger.submit(&self.job.id).await? { Ok(()) } else { Err(sent_before()) }
    }

    /// Writes what it cost.
    pub(super) async fn settle(&self, cost: Usd) -> Result<(), StoreError> {
        self.context.stores.ledger.settle(&self.job.id, cost).await
    }

    /// Writes that nothing was made.
    pub(super) async fn release(&self) -> Result<(), StoreError> {
        self.context.stores.ledger.release(&self.job.id).await
    }

    /// Has a model look at pictures, and pays for it. A look that is repeated costs a fraction of a cent.
    pub(super) async fn look(&self, ask: &Look) -> Result<(Seen, Bill), Failure> {
        let (model, most) = self.context.provider.quote_look(ask)?;
        self.open(&model, most).await?;
        match self.until_over(self.context.provider.look(ask)).await {
            Ok(seen) => {
                self.settle(seen.cost.unwrap_or_default()).await?;
                let bill = Bill {
                    model: seen.model.clone(),
                    model_note: seen.model_note.clone(),
                    cost: seen.cost,
                    request_id: seen.request_id.clone(),
                };
                Ok((seen, bill))
            }
            Err(failure) => {
                self.release().await?;
                Err(failure)
            }
        }
    }

    /// What `asking` gives, until the job is over for another reason; then it is dropped.
    pub(super) async fn until_over<T>(&self, asking: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        let over = self.context.stores.jobs.stop_token(&self.job.id);
        tokio::select! {
            answer = asking => answer,
            () = over.cancelled() => Err(Failure::new(FailureKind::Cancelled, "The job was cancelled.")),
        }
    }
}

fn over(estimate: Usd, period: Period, left: Usd, resets_at: i64) -> Failure {
    let (what, until) = match period {
        Period::Day => ("day", "day"),
        Period::Month => ("month", "month"),
    };
    let message = format!("This may cost {estimate}, and {left} of your budget for the {what} are left.");
    Failure::new(FailureKind::BudgetExceeded, message).next(format!(
        "Ask for fewer or cheaper images (quality low), wait until the next {until} begins at {}, or ask the operator for a \
         larger budget.",
        rfc3339(resets_at)
    ))
}

fn without_price(model: &str) -> Failure {
    let model = common::schema::clip(model);
    Failure::invalid("model", format!("You have a budget, and no price is known for the model {model}."))
        .next("Name a model whose price is known, such as the default; or ask the operator to add this one to OPENAI_MODELS_FILE.")
}

/// A call whose answer was lost with the worker that waited for it.
pub(super) fn sent_before() -> Failure {
    Failure::new(
        FailureKind::OutcomeUnknown,
        "The worker stopped while the model was at work. The call may have been paid for; it is not repeated by itself.",
    )
    .next("Call list_images to see whether the images came; call again with fresh true to pay for new ones.")
}
