//! What is known of the models: what they can do, what they cost, until when they live.

mod price;

use std::{fs, path::Path};

use config::{Compat, OpenAi};
use serde::{Deserialize, Serialize};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

pub use self::price::{Estimate, Price, Range, Usage};
use crate::{Failure, FailureKind, rfc3339};

/// How long before a model ends its users are told.
const WARN_DAYS: i64 = 60;

const DAY_MS: i64 = 24 * 3600 * 1000;

/// Every model that is known.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Models {
    /// The day on which this was true.
    as_of: String,
    #[serde(default)]
    image: Vec<Model>,
    #[serde(default)]
    vision: Vec<Model>,
}

/// A model. One that only reads pictures has no sizes, qualities and formats.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// What it is called.
    pub name: String,
    /// The day on which it ends, such as 2026-12-01.
    pub shutdown: Option<String>,
    /// Which sizes its pictures may have.
    #[serde(default)]
    pub sizes: Sizes,
    /// Which qualities it knows.
    #[serde(default)]
    pub qualities: Vec<String>,
    /// Which formats it writes.
    #[serde(default)]
    pub formats: Vec<String>,
    /// Whether edits take `input_fidelity`.
    #[serde(default)]
    pub input_fidelity: bool,
    /// What its tokens cost.
    pub price: Option<Price>,
    /// What one of its pictures costs about.
    pub estimate: Option<Estimate>,
}

/// Which sizes a model makes.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub enum Sizes {
    /// 1024x1024, 1536x1024 and 1024x1536.
    #[default]
    Three,
    /// Any, within bounds.
    Any,
}

/// A model that was chosen, what is known of it, and what its user should know.
#[derive(Debug)]
pub struct Chosen<'a> {
    /// Its name.
    pub name: String,
    /// What is known of it.
    pub known: Option<&'a Model>,
    /// Why it is another than was asked for, or how long it will be there.
    pub note: Option<String>,
}

/// The models that may stand in for another: the operator's choice and, where that has ended itself, ours.
#[derive(Clone, Copy, Debug)]
pub struct Defaults<'a> {
    /// The operator's.
    pub set: &'a str,
    /// Ours.
    pub built_in: &'a str,
}

/// A model that the settings name and that will end soon, or has ended.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Ending {
    /// The variable that names it.
    pub variable: &'static str,
    /// What to know.
    pub note: String,
}

impl Models {
    /// The list that comes with the program, and what the file in the settings says instead.
    ///
    /// # Errors
    /// Why that file cannot be used.
    pub fn of(settings: &OpenAi) -> Result<Self, String> {
        let own = settings.models_file.as_deref();
        // Of another backend's models ours say nothing, even where they have the same names.
        if settings.compat == Compat::Compat && own.is_none() { Ok(Self::none()) } else { Self::read(own) }
    }

    fn read(file: Option<&Path>) -> Result<Self, String> {
        let mut models = Self::parse(include_str!("models.toml"))?;
        if let Some(file) = file {
            let text = fs::read_to_string(file).map_err(|error| format!("it cannot be read: {error}"))?;
            let own = Self::parse(&text)?;
            models.as_of = own.as_of;
            replace(&mut models.image, own.image);
            replace(&mut models.vision, own.vision);
        }
        Ok(models)
    }

    /// No model at all: what is asked for is passed on.
    fn none() -> Self {
        Self { as_of: String::new(), image: Vec::new(), vision: Vec::new() }
    }

    fn parse(text: &str) -> Result<Self, String> {
        let models: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        for date in models.image.iter().chain(&models.vision).filter_map(|model| model.shutdown.as_deref()) {
            day(date).ok_or_else(|| format!("shutdown = \"{date}\" is no date such as 2026-12-01"))?;
        }
        Ok(models)
    }

    /// The day on which the list was true; empty where it says nothing.
    #[must_use]
    pub fn as_of(&self) -> &str {
        &self.as_of
    }

    /// What tokens of a model cost, if that is known.
    #[must_use]
    pub fn price(&self, name: &str) -> Option<Price> {
        find(&self.image, name).or_else(|| find(&self.vision, name))?.price
    }

    /// Whether pictures of a model may have any size.
    #[must_use]
    pub fn makes_any_size(&self, name: &str) -> bool {
        find(&self.image, name).is_some_and(|model| model.sizes == Sizes::Any)
    }

    /// The model that makes or changes a picture.
    ///
    /// # Errors
    /// `invalid_argument` for a model that only reads.
    pub fn image(&self, asked: Option<&str>, defaults: Defaults<'_>, now_ms: i64) -> Result<Chosen<'_>, Failure> {
        if let Some(name) = asked.filter(|name| find(&self.vision, name).is_some()) {
            return Err(wrong_kind(name, "reads pictures and makes none", &self.image));
        }
        Ok(choose(&self.image, asked, defaults, now_ms))
    }

    /// The model that reads a picture.
    ///
    /// # Errors
    /// `invalid_argument` for a model that only makes.
    pub fn vision(&self, asked: Option<&str>, defaults: Defaults<'_>, now_ms: i64) -> Result<Chosen<'_>, Failure> {
        if let Some(name) = asked.filter(|name| find(&self.image, name).is_some()) {
            return Err(wrong_kind(name, "makes pictures and describes none", &self.vision));
        }
        Ok(choose(&self.vision, asked, defaults, now_ms))
    }
}

impl Models {
    /// Those that make pictures, and those that read them.
    #[must_use]
    pub fn all(&self) -> (&[Model], &[Model]) {
        (&self.image, &self.vision)
    }

    /// The models that the settings name and that end within 60 days, or have ended.
    #[must_use]
    pub fn endings(&self, settings: &OpenAi, now_ms: i64) -> Vec<Ending> {
        let named = [
            ("OPENAI_IMAGE_MODEL", &self.image, &settings.image_model, OpenAi::IMAGE_MODEL),
            ("OPENAI_EDIT_MODEL", &self.image, &settings.edit_model, OpenAi::EDIT_MODEL),
            ("OPENAI_VISION_MODEL", &self.vision, &settings.vision_model, OpenAi::VISION_MODEL),
        ];
        let ending = |(variable, models, set, built_in): (&'static str, &Vec<Model>, &String, &str)| {
            let note = choose(models, None, Defaults { set, built_in }, now_ms).note?;
            Some(Ending { variable, note })
        };
        named.into_iter().filter_map(ending).collect()
    }
}

fn replace(models: &mut Vec<Model>, own: Vec<Model>) {
    models.retain(|model| own.iter().all(|other| other.name != model.name));
    models.extend(own);
}

fn wrong_kind(name: &str, does: &str, others: &[Model]) -> Failure {
    let others: Vec<&str> = others.iter().map(|model| model.name.as_str()).collect();
    Failure::new(FailureKind::InvalidArgument, format!("The model {name} {does}."))
        .argument("model")
        .allowed(others.join(", "))
        .next("Leave model out, or name one of these.")
}

/// A model by its name, or by the name of one of its dated versions: gpt-image-2-2026-04-21 is a gpt-image-2.
fn find<'a>(models: &'a [Model], name: &str) -> Option<&'a Model> {
    let by_name = |name: &str| models.iter().find(|model| model.name == name);
    by_name(name).or_else(|| {
        let (family, date) = name.split_at_checked(name.len().checked_sub(10)?)?;
        day(date)?;
        by_name(family.strip_suffix('-')?)
    })
}

fn choose<'a>(models: &'a [Model], asked: Option<&str>, defaults: Defaults<'_>, now_ms: i64) -> Chosen<'a> {
    let name = asked.unwrap_or(defaults.set);
    let known = find(models, name);
    let Some((end, ends_ms)) =
        known.and_then(|model| model.shutdown.as_deref()).and_then(|date| Some((date, day(date)?)))
    else {
        return Chosen { name: name.to_owned(), known, note: None };
    };
    let alive = |other: &str| {
        find(models, other).and_then(|model| model.shutdown.as_deref()).and_then(day).is_none_or(|ms| ms > now_ms)
    };
    let instead = if defaults.set != name && alive(defaults.set) { defaults.set } else { defaults.built_in };
    if ends_ms <= now_ms && instead != name {
        let note = format!("{name} was shut down on {end}; {instead} was used in its place.");
        return Chosen { name: instead.to_owned(), known: find(models, instead), note: Some(note) };
    }
    let days = (ends_ms - now_ms + DAY_MS - 1) / DAY_MS;
    let note = (days <= WARN_DAYS).then(|| {
        format!("{name} will be shut down on {end}, in {days} days (today is {}). Use {instead}.", date_of(now_ms))
    });
    Chosen { name: name.to_owned(), known, note }
}

/// The beginning of a day in milliseconds since 1970 (UTC).
fn day(date: &str) -> Option<i64> {
    let moment = OffsetDateTime::parse(&format!("{date}T00:00:00Z"), &Rfc3339).ok()?;
    moment.unix_timestamp().checked_mul(1000)
}

fn date_of(ms: i64) -> String {
    rfc3339(ms).chars().take(10).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLARE: Defaults<'_> = Defaults { set: "gpt-image-2.5-flare", built_in: "gpt-image-2.5-flare" };
    const LUNA: Defaults<'_> = Defaults { set: "gpt-6-luna", built_in: "gpt-6-luna" };

    fn now() -> i64 {
        day("2026-11-23").unwrap()
    }

    #[test]
    fn a_model_that_has_ended_stands_for_the_default_and_says_so() {
        let models = Models::read(None).unwrap();
        let chosen = models.image(Some("gpt-image-1"), FLARE, now()).unwrap();
        assert_eq!(chosen.name, "gpt-image-2.5-flare");
        let note = chosen.note.unwrap();
        assert!(note.contains("gpt-image-1 ") && note.contains("2026-10-23") && note.contains("2.5-flare"), "{note}");
        // Even where the operator has set it.
        let old = Defaults { set: "dall-e-3", ..FLARE };
        assert_eq!(models.image(None, old, now()).unwrap().name, "gpt-image-2.5-flare");
        assert_eq!(models.image(Some("dall-e-2"), old, now()).unwrap().name, "gpt-image-2.5-flare");
        let own = Defaults { set: "gpt-image-2", ..FLARE };
        assert_eq!(models.image(Some("dall-e-2"), own, now()).unwrap().name, "gpt-image-2");
    }

    #[test]
    fn an_end_in_sight_is_told_sixty_days_ahead() {
        let models = Models::read(None).unwrap();
        let note = |name, day_of_call| models.vision(Some(name), LUNA, day(day_of_call).unwrap()).unwrap().note;
        assert_eq!(note("gpt-4o", "2026-11-14"), None);
        let told = note("gpt-4o", "2026-11-15").unwrap();
        assert!(told.contains("2027-01-14, in 60 days") && told.contains("gpt-6-luna"), "{told}");
        assert_eq!(models.vision(Some("gpt-4o"), LUNA, day("2027-01-13").unwrap()).unwrap().name, "gpt-4o");
        assert_eq!(models.vision(Some("gpt-4o"), LUNA, day("2027-01-14").unwrap()).unwrap().name, "gpt-6-luna");
        assert_eq!(note("gpt-6-luna", "2026-11-23"), None);
    }

    #[test]
    fn unknown_models_pass_and_dated_ones_are_known() {
        let models = Models::read(None).unwrap();
        let chosen = models.image(Some("gpt-image-9"), FLARE, now()).unwrap();
        assert!(chosen.name == "gpt-image-9" && chosen.known.is_none() && chosen.note.is_none());
        let chosen = models.image(Some("gpt-image-2-2026-04-21"), FLARE, now()).unwrap();
        assert_eq!(
            (chosen.name.as_str(), chosen.known.unwrap().name.as_str()),
            ("gpt-image-2-2026-04-21", "gpt-image-2")
        );
        assert!(models.image(Some("gpt-image-2-2026-99-99"), FLARE, now()).unwrap().known.is_none());
        assert!(models.image(Some("é-2026-04-2"), FLARE, now()).unwrap().known.is_none());
    }

    #[test]
    fn each_kind_does_its_own() {
        let models = Models::read(None).unwrap();
        let failure = models.image(Some("gpt-6-luna"), FLARE, now()).unwrap_err();
        assert!(failure.argument.as_deref() == Some("model") && failure.allowed.unwrap().contains("gpt-image-2"));
        assert!(models.vision(Some("gpt-image-2"), LUNA, now()).is_err());
    }

    #[test]
    fn the_defaults_are_known_and_live() {
        let models = Models::read(None).unwrap();
        for name in [config::OpenAi::IMAGE_MODEL, config::OpenAi::EDIT_MODEL] {
            let model = find(&models.image, name).unwrap();
            assert!(model.shutdown.is_none() && model.price.is_some(), "{name}");
        }
        let model = find(&models.vision, config::OpenAi::VISION_MODEL).unwrap();
        assert!(model.shutdown.is_none() && model.price.is_some());
        assert!(day(models.as_of()).is_some());
    }

    #[test]
    fn an_end_of_a_model_in_the_settings_is_told() {
        let models = Models::read(None).unwrap();
        let around = config::Surroundings {
            way: config::Way::Stdio,
            start_dir: "/".into(),
            home_dir: None,
            data_home: "/data".into(),
            cores: 1,
            read_file: |_| unreachable!(),
        };
        let settings = |pairs: &[(&str, &str)]| {
            let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            config::Config::read(&pairs, &around).unwrap().openai
        };
        assert!(models.endings(&settings(&[]), now()).is_empty());
        let old = settings(&[("OPENAI_VISION_MODEL", "gpt-4o"), ("OPENAI_EDIT_MODEL", "dall-e-2")]);
        let endings = models.endings(&old, now());
        assert_eq!(
            endings.iter().map(|ending| ending.variable).collect::<Vec<_>>(),
            ["OPENAI_EDIT_MODEL", "OPENAI_VISION_MODEL"]
        );
        assert!(endings[0].note.contains("was shut down") && endings[1].note.contains("2027-01-14"), "{endings:?}");
    }

    #[test]
    fn a_file_of_ones_own_replaces_and_adds() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("models.toml");
        let own = "as_of = \"2027-02-01\"\n[[vision]]\nname = \"gpt-6-luna\"\nprice = { text_in = 1, out = 2 }\n\
            [[vision]]\nname = \"mine\"\n";
        fs::write(&path, own).unwrap();
        let models = Models::read(Some(&path)).unwrap();
        assert_eq!(models.vision.iter().filter(|model| model.name == "gpt-6-luna").count(), 1);
        assert!(find(&models.vision, "mine").is_some() && find(&models.vision, "gpt-4o").is_some());
        assert_eq!(models.as_of(), "2027-02-01");
        for wrong in ["as_of = 1", "as_of = \"x\"\n[[vision]]\nname = \"a\"\nshutdown = \"soon\"\n", "colour = 1"] {
            fs::write(&path, wrong).unwrap();
            assert!(Models::read(Some(&path)).is_err(), "{wrong}");
        }
        assert!(Models::read(Some(&folder.path().join("none"))).is_err());
    }
}
