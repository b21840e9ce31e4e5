//! Who calls.

use common::UserId;

/// Who calls. The web puts it into the request, tools take it from there and nowhere else.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    /// Whose records the call may see.
    pub(crate) user: UserId,
}

impl Caller {
    /// The one user of a server that only its own machine can reach.
    pub(crate) fn local() -> Self {
        Self { user: UserId::local() }
    }
}
