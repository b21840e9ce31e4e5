//! Pages for people: setting up, signing in, consent, their account. Plain HTML that works without scripts.

mod account;
mod browser;
mod form;
mod invite;
mod login;
mod own_path;
mod page;
mod setup;
pub(crate) mod single_sign_on;

pub(crate) use browser::Browser;
pub(crate) use form::Form;
pub(crate) use own_path::own_path;
pub(crate) use page::{Page, PageError, see_other};
