//! The settings, printed, and secrets outside of them.

use std::env;

use anyhow::Context;
use common::process;
use config::{Origin, Way};
use secrecy::SecretString;

use super::{End, result};

/// A secret outside of the settings of a server: the variable `name`, or the file that `name_FILE` names.
pub(super) fn secret(name: &str) -> anyhow::Result<Option<SecretString>> {
    if let Some(plain) = env::var(name).ok().filter(|text| !text.is_empty()) {
        return Ok(Some(SecretString::from(plain)));
    }
    let Some(path) = env::var_os(format!("{name}_FILE")) else { return Ok(None) };
    let text =
        std::fs::read_to_string(&path).with_context(|| format!("{name}_FILE: cannot read {}", path.display()))?;
    Ok(Some(SecretString::from(text.trim())))
}

/// `image-tool config`.
pub(super) fn print() -> anyhow::Result<End> {
    let config = process::settings(Way::Serve)?;
    for variable in &config.variables {
        let origin = match variable.origin {
            Origin::Default => "default",
            Origin::Environment => "environment",
        };
        result(&format!("{} = {}  ({origin}; {})", variable.name, variable.value, variable.meaning))?;
    }
    Ok(End::Good)
}
