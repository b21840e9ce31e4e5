//! Reads one variable after the other, remembers what each is for, and collects every mistake.

use std::{collections::BTreeMap, fmt, ops::RangeInclusive, path::Path};

use secrecy::{ExposeSecret, SecretString};

use crate::Surroundings;

/// One variable: what it is for, and what it is set to.
#[derive(Clone, Debug)]
pub struct Variable {
    /// The heading it stands under.
    pub section: &'static str,
    /// The name in the environment.
    pub name: &'static str,
    /// The default as a person reads it.
    pub default: String,
    /// What may be given, such as `1 to 268 megapixels`.
    pub bounds: String,
    /// What it does, one sentence.
    pub meaning: &'static str,
    /// The value in force; never shown if it is a secret.
    pub value: String,
    /// Where the value came from.
    pub origin: Origin,
}

/// Where a value came from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Origin {
    /// Nobody set it.
    Default,
    /// The environment.
    Environment,
}

/// One mistake in one variable.
#[derive(Clone, Debug)]
pub struct Mistake {
    /// The variable at fault.
    pub name: String,
    /// What is wrong, and what would be right.
    pub message: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.message)
    }
}

/// The facts of a variable as its section states them.
pub(crate) struct About {
    pub(crate) section: &'static str,
    pub(crate) name: &'static str,
    pub(crate) meaning: &'static str,
}

pub(crate) struct Reader<'a> {
    environment: &'a BTreeMap<String, String>,
    read_file: crate::ReadFile,
    variables: Vec<Variable>,
    /// The names among them that this program does not use.
    aside: Vec<&'static str>,
    mistakes: Vec<Mistake>,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(environment: &'a BTreeMap<String, String>, around: &Surroundings) -> Self {
        let read_file = around.read_file;
        Self { environment, read_file, variables: Vec::new(), aside: Vec::new(), mistakes: Vec::new() }
    }

    /// Reads what another program uses, which may be set for that one: no mistake in it is ours.
    pub(crate) fn aside<T>(&mut self, read: impl FnOnce(&mut Self) -> T) -> T {
        let (variables, mistakes) = (self.variables.len(), self.mistakes.len());
        let result = read(self);
        self.mistakes.truncate(mistakes);
        self.aside.extend(self.variables.iter().skip(variables).map(|variable| variable.name));
        result
    }

    /// A variable that the platform sets and nobody else; it is no setting of ours.
    pub(crate) fn platform(&self, name: &str) -> Option<&'a str> {
        self.given(name)
    }

    /// Whether neither `name` nor the file of a secret of that name is given.
    pub(crate) fn is_unset(&self, name: &str) -> bool {
        self.given(name).is_none() && self.given(&format!("{name}_FILE")).is_none()
    }

    fn given(&self, name: &str) -> Option<&'a str> {
        self.environment.get(name).map(|text| text.trim()).filter(|text| !text.is_empty())
    }

    /// A whole number within `range`; `unit` is what it counts.
    pub(crate) fn integer(&mut self, about: &About, default: u64, range: RangeInclusive<u64>, unit: &str) -> u64 {
        self.integer_shown(about, (default, &default.to_string()), range, unit)
    }

    /// The same with a default that depends on something, and the words for that.
    pub(crate) fn integer_shown(
        &mut self,
        about: &About,
        default: (u64, &str),
        range: RangeInclusive<u64>,
        unit: &str,
    ) -> u64 {
        let (low, high) = (range.start(), range.end());
        let unit = if unit.is_empty() { String::new() } else { format!(" {unit}") };
        let bounds = format!("{low} to {high}{unit}");
        let parse = |text: &str| text.parse::<u64>().ok().filter(|value| range.contains(value));
        self.read(about, default.0, default.1, &bounds, parse, |text| {
            format!("\"{text}\" is not a whole number from {bounds}")
        })
    }

    /// `on` or `off`; `shown` says the default as a person reads it.
    pub(crate) fn switch(&mut self, about: &About, default: bool, shown: &str) -> bool {
        self.choice(about, (shown, default), &[("on", true), ("off", false)])
    }

    /// One of a few words.
    pub(crate) fn choice<T: Copy>(&mut self, about: &About, default: (&str, T), every: &[(&str, T)]) -> T {
        let words = every.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(", ");
        let parse =
            |text: &str| every.iter().find(|(word, _)| word.eq_ignore_ascii_case(text)).map(|(_, value)| *value);
        self.read(about, default.1, default.0, &words, parse, |text| format!("\"{text}\" is none of {words}"))
    }

    /// A secret, given as `NAME` or as the file that `NAME_FILE` names. Its value is never shown.
    pub(crate) fn secret(
        &mut self,
        about: &About,
        bounds: &str,
        check: impl Fn(&str) -> Result<(), String>,
    ) -> Option<SecretString> {
        let file = format!("{}_FILE", about.name);
        let (plain, path) = (self.given(about.name), self.given(&file));
        self.variables.push(Variable {
            section: about.section,
            name: about.name,
            default: "unset".into(),
            bounds: format!("{bounds}; or {file}, the path of a file that holds it"),
            meaning: about.meaning,
            value: if plain.is_some() || path.is_some() { "(set)" } else { "unset" }.into(),
            origin: if plain.is_some() || path.is_some() { Origin::Environment } else { Origin::Default },
        });
        if plain.is_some() && path.is_some() {
            self.mistake(about.name, format!("stands beside {file}; set one of the two"));
        }
        let secret = match (plain, path) {
            (Some(plain), _) => SecretString::from(plain),
            (None, Some(path)) => match (self.read_file)(Path::new(path)) {
                Ok(text) => SecretString::from(text.trim()),
                Err(error) => {
                    self.mistake(&file, format!("{path} cannot be read: {error}"));
                    return None;
                }
            },
            (None, None) => return None,
        };
        if let Err(why) = check(secret.expose_secret()) {
            self.mistake(if plain.is_some() { about.name } else { &file }, why);
        }
        Some(secret)
    }

    /// Anything that `parse` accepts; `bounds` says what that is.
    pub(crate) fn parsed<T>(
        &mut self,
        about: &About,
        default: (T, &str),
        bounds: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> T {
        let (fallback, shown) = default;
        let reason = |text: &str| parse(text).err().unwrap_or_default();
        self.read(about, fallback, shown, bounds, |text| parse(text).ok(), reason)
    }

    fn read<T>(
        &mut self,
        about: &About,
        default: T,
        shown: &str,
        bounds: &str,
        parse: impl Fn(&str) -> Option<T>,
        reason: impl Fn(&str) -> String,
    ) -> T {
        let given = self.given(about.name);
        self.variables.push(Variable {
            section: about.section,
            name: about.name,
            default: shown.into(),
            bounds: bounds.into(),
            meaning: about.meaning,
            value: given.unwrap_or(shown).into(),
            origin: if given.is_some() { Origin::Environment } else { Origin::Default },
        });
        let Some(text) = given else { return default };
        parse(text).unwrap_or_else(|| {
            self.mistake(about.name, reason(text));
            default
        })
    }

    /// Notes a mistake that only the section can see.
    pub(crate) fn mistake(&mut self, name: &str, message: String) {
        self.mistakes.push(Mistake { name: name.into(), message });
    }

    /// Everything read, and everything wrong, misspelt names included.
    pub(crate) fn finish(mut self) -> (Vec<Variable>, Vec<Mistake>) {
        let known: Vec<&str> = self.variables.iter().map(|variable| variable.name).collect();
        for name in self.environment.keys().filter(|name| !known.contains(&name.as_str())) {
            // Short names are too near to everything.
            let near = known.iter().find(|known| {
                known.len() >= 8 && !self.aside.contains(known) && strsim::damerau_levenshtein(known, name) <= 2
            });
            if let Some(near) = near {
                self.mistakes
                    .push(Mistake { name: name.clone(), message: format!("no such setting; did you mean {near}?") });
            }
        }
        (self.variables, self.mistakes)
    }
}
