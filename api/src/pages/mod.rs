//! Pages for people: setting up, signing in, consent, their account, what they have stored. Plain HTML that works without scripts.

pub(crate) mod account;
mod agent;
mod browser;
mod consent;
mod form;
pub(crate) mod gallery;
pub(crate) mod invite;
pub(crate) mod login;
mod moment;
mod own_path;
mod page;
pub(crate) mod setup;
pub(crate) mod single_sign_on;

pub(crate) use crate::naming::shown_name;
pub(crate) use browser::{Browser, SignedIn};
pub(crate) use consent::{ConsentPage, ConsentScope};
pub(crate) use form::Form;
pub(crate) use own_path::own_path;
pub(crate) use page::{Page, PageError, see_other};
