//! The settings: read from the environment and the surroundings, and printed.

use std::{collections::BTreeMap, env, path::PathBuf};

use anyhow::Context;
use config::{Config, Origin, Surroundings, Way};
use secrecy::SecretString;

use super::{End, result};

/// Reads every setting for a program started as `way`.
pub(super) fn read(way: Way) -> anyhow::Result<Config> {
    let environment: BTreeMap<String, String> = env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    let home_dir = env::home_dir();
    let around = Surroundings {
        way,
        start_dir: env::current_dir()?,
        data_home: data_home(&environment, home_dir.as_ref()),
        home_dir,
        cores: std::thread::available_parallelism().map_or(1, usize::from),
        read_file: |path| std::fs::read_to_string(path),
    };
    Ok(Config::read(&environment, &around)?)
}

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

/// Where programs keep their data: XDG Base Directory on Unix, Application Support on macOS, LOCALAPPDATA on Windows.
fn data_home(environment: &BTreeMap<String, String>, home: Option<&PathBuf>) -> PathBuf {
    let set = |name: &str| environment.get(name).filter(|path| !path.is_empty()).map(PathBuf::from);
    let home = home.cloned().unwrap_or_default();
    let base = if cfg!(windows) {
        set("LOCALAPPDATA").unwrap_or(home)
    } else if cfg!(target_os = "macos") {
        home.join("Library/Application Support")
    } else {
        set("XDG_DATA_HOME").unwrap_or_else(|| home.join(".local/share"))
    };
    base.join("image-tool")
}

/// `image-tool config`.
pub(super) fn print() -> anyhow::Result<End> {
    let config = read(Way::Serve)?;
    for variable in &config.variables {
        let origin = match variable.origin {
            Origin::Default => "default",
            Origin::Environment => "environment",
        };
        result(&format!("{} = {}  ({origin}; {})", variable.name, variable.value, variable.meaning))?;
    }
    Ok(End::Good)
}
