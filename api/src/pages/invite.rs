//! TODO page invite
