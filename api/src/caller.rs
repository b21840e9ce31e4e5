//! Who calls.

use common::UserId;

use crate::Scopes;

/// Who calls. The web puts it into the request, tools take it from there and nowhere else.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    /// Whose records the call may see.
    pub(crate) user: UserId,
    /// What the call may do.
    pub(crate) scopes: Scopes,
    /// Whether the call may name files of the server: those in `ALLOWED_DIRS` are the owner's.
    pub(crate) files: bool,
    /// Whether calls are counted: strangers must not wear the server out, this machine may.
    pub(crate) limited: bool,
    /// What the caller may spend on models in a day, in US dollars, instead of what the settings say.
    pub(crate) daily_usd: Option<f64>,
}

impl Caller {
    /// The one user of a server that only its own machine can reach: the owner.
    pub(crate) fn local() -> Self {
        Self { user: UserId::local(), scopes: Scopes::all(), files: true, limited: false, daily_usd: None }
    }
}
