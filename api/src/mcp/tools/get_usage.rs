//! `get_usage`: what models have cost, what is left, and which models there are.

use common::{Failure, ledger::Period};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{About, Entry};
use crate::{
    Scope,
    mcp::{
        dispatch::Call,
        paid,
        reply::{self, Reply, Stored, UsageFacts},
    },
};

#[derive(Debug, Deserialize, JsonSchema)]
struct Arguments {}

pub(super) fn entry() -> Entry {
    let about = About {
        name: "get_usage",
        title: "Look at spending and models",
        description: "What image and vision models have cost the user today and this month (UTC), by tool and model, what is left \
            of the budgets and when they begin anew, above which price a call is quoted first, and the models that are known, \
            with their qualities, formats, prices and the day on which they are shut down. Also how much the stored images take up, \
            of how much, and how long they are kept. Costs nothing.",
        needs: &[Scope::Read],
        works: false,
        read_only: true,
        destructive: false,
        idempotent: true,
        open_world: false,
    };
    Entry::new::<Arguments, UsageFacts>(about, |call, arguments| {
        Box::pin(async move {
            let Arguments {} = super::read(arguments)?;
            run(call).await
        })
    })
}

async fn run(call: &Call) -> Result<Reply, Failure> {
    let ledger = &call.shared.stores.ledger;
    let spent = ledger.spent(&call.caller.user).await?;
    let lines = ledger.this_month(&call.caller.user).await?;
    let resets = (ledger.ends(Period::Day), ledger.ends(Period::Month));
    let images = &call.shared.stores.images;
    let stored = Stored { used: images.used_by(&call.caller.user).await?, keeping: images.keeping() };
    reply::usage(&call.shared, paid::payment(call), spent, &lines, resets, stored)
}
