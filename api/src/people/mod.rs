//! The people who may sign in, and how they prove who they are.

mod invites;
mod oidc;
mod passwords;
mod sessions;
mod setup;
mod users;

pub(crate) use invites::Invite;
pub(crate) use oidc::{Callback, Oidc, Trouble};
pub(crate) use passwords::{Passwords, SHORTEST, complaint};
pub(crate) use sessions::Session;
pub(crate) use setup::{CODE_MINUTES, SetUp};
pub(crate) use users::{OWNER, Role, User};
