//! The provider that makes and reads pictures with models: OpenAI, or what speaks as it does.

use std::{path::PathBuf, time::Duration};

use secrecy::SecretString;
use url::Url;

use crate::reader::{About, Reader};

const fn about(name: &'static str, meaning: &'static str) -> About {
    About { section: "OpenAI", name, meaning }
}

/// Where OpenAI itself answers.
const OPENAI: &str = "https://api.openai.com/v1";

/// The provider that makes and reads pictures with models.
#[derive(Clone, Debug)]
pub struct OpenAi {
    /// Sent with every request; `None` is for backends of one's own.
    pub api_key: Option<SecretString>,
    /// What `/images/generations` is appended to; no slash at the end.
    pub base_url: Url,
    /// How the backend differs from OpenAI.
    pub compat: Compat,
    /// Makes pictures where a call names no model.
    pub image_model: String,
    /// Changes pictures where a call names no model.
    pub edit_model: String,
    /// Reads pictures where a call names no model.
    pub vision_model: String,
    /// Who pays, where the key belongs to several organisations.
    pub organization: Option<String>,
    /// Which project pays.
    pub project: Option<String>,
    /// The longest that one call may take, its retries included.
    pub timeout: Duration,
    /// Most pictures that all workers together ask for in a minute.
    pub images_per_minute: Option<u64>,
    /// Hosts beside that of `base_url` that pictures are fetched from, in lower case.
    pub url_hosts: Vec<String>,
    /// Models and prices of the operator's own, in the form of `common/src/models/models.toml`.
    pub models_file: Option<PathBuf>,
}

/// How a backend differs from OpenAI.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Compat {
    /// In nothing.
    OpenAi,
    /// It wants `response_format` and refuses what only OpenAI knows.
    Compat,
}

impl OpenAi {
    /// Makes pictures, where nothing else is set.
    pub const IMAGE_MODEL: &str = "gpt-image-2.5-flare";
    /// Changes pictures, where nothing else is set.
    pub const EDIT_MODEL: &str = "gpt-image-2.5-sunburst";
    /// Reads pictures, where nothing else is set.
    pub const VISION_MODEL: &str = "gpt-6-luna";

    pub(crate) fn read(reader: &mut Reader<'_>) -> Self {
        let api_key = reader.secret(
            &about("OPENAI_API_KEY", "Pays for pictures made and read by models; without it the other tools work."),
            "a key of the OpenAI platform",
            header,
        );
        let base_url = base_url(reader);
        let compat = reader.choice(
            &about("OPENAI_COMPAT", "compat: for backends that are not OpenAI and refuse what only OpenAI knows."),
            ("openai", Compat::OpenAi),
            &[("openai", Compat::OpenAi), ("compat", Compat::Compat)],
        );
        let (image_model, edit_model, vision_model) = models(reader);
        let organization = optional(reader, "OPENAI_ORGANIZATION", "Who pays, where the key has several.");
        let project = optional(reader, "OPENAI_PROJECT", "Which project pays.");
        let timeout = reader.integer(
            &about(
                "OPENAI_TIMEOUT_SECS",
                "Longest time of one call to the model, its retries included. High quality takes minutes.",
            ),
            600,
            5..=3600,
            "seconds",
        );
        let images_per_minute = per_minute(reader);
        let url_hosts = reader.parsed(
            &about(
                "OPENAI_URL_HOSTS",
                "Hosts that pictures are fetched from, beside that of OPENAI_BASE_URL, where a backend answers with links.",
            ),
            (Vec::new(), "none"),
            "a list of hosts such as cdn.example.com, separated by commas",
            |text| text.split(',').map(|part| host(part.trim())).collect(),
        );
        let models_file = reader.parsed(
            &about(
                "OPENAI_MODELS_FILE",
                "A TOML file of models and prices that replace those of the same name or add to them.",
            ),
            (None, "unset"),
            "a path; its form is that of common/src/models/models.toml",
            |text| Ok(Some(PathBuf::from(text))),
        );
        Self {
            api_key,
            base_url,
            compat,
            image_model,
            edit_model,
            vision_model,
            organization,
            project,
            timeout: Duration::from_secs(timeout),
            images_per_minute,
            url_hosts,
            models_file,
        }
    }
}

fn base_url(reader: &mut Reader<'_>) -> Url {
    // The default is a constant; were it no URL, this would say so as a mistake in the setting.
    let read = |text: &str| -> Result<Option<Url>, String> {
        let url = Url::parse(text.trim_end_matches('/')).map_err(|error| format!("\"{text}\" is no URL: {error}"))?;
        let plain = url.username().is_empty() && url.password().is_none();
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return Err(format!("\"{text}\" does not begin with https:// or http:// and a host"));
        }
        if !plain || url.query().is_some() || url.fragment().is_some() {
            return Err("must hold no user, no password, no ? and no #; the key belongs in OPENAI_API_KEY".into());
        }
        Ok(Some(url))
    };
    let about = about("OPENAI_BASE_URL", "What speaks as OpenAI does, with its /v1 if it has one.");
    let given = reader.parsed(&about, (None, OPENAI), "https:// or http://, a host, and a path", read);
    given.or_else(|| read(OPENAI).ok().flatten()).unwrap_or_else(|| unreachable!("{OPENAI} is a URL"))
}

fn per_minute(reader: &mut Reader<'_>) -> Option<u64> {
    let about = about(
        "OPENAI_IMAGES_PER_MINUTE",
        "Most pictures that all workers together ask for in a minute; the account's own limit is a good one.",
    );
    reader.parsed(&about, (None, "none"), "1 to 100000", |text| match text.parse() {
        Ok(most @ 1..=100_000) => Ok(Some(most)),
        _ => Err(format!("\"{text}\" is not a whole number from 1 to 100000")),
    })
}

fn models(reader: &mut Reader<'_>) -> (String, String, String) {
    let mut model = |name: &'static str, meaning: &'static str, default: &'static str| {
        reader.parsed(&about(name, meaning), (default.to_owned(), default), "the name of a model", |text| {
            header(text).map(|()| text.to_owned())
        })
    };
    (
        model("OPENAI_IMAGE_MODEL", "Makes pictures where a call names no model.", OpenAi::IMAGE_MODEL),
        model("OPENAI_EDIT_MODEL", "Changes pictures where a call names no model.", OpenAi::EDIT_MODEL),
        model("OPENAI_VISION_MODEL", "Reads pictures where a call names no model.", OpenAi::VISION_MODEL),
    )
}

fn optional(reader: &mut Reader<'_>, name: &'static str, meaning: &'static str) -> Option<String> {
    reader.parsed(&about(name, meaning), (None, "unset"), "an identifier of the OpenAI platform", |text| {
        header(text).map(|()| Some(text.to_owned()))
    })
}

/// What is sent as a header, or names a model, is one word.
fn header(text: &str) -> Result<(), String> {
    if text.bytes().all(|byte| byte.is_ascii_graphic()) {
        Ok(())
    } else {
        Err("holds a space, a line break or a letter that is not ASCII; was more copied than the value?".into())
    }
}

fn host(text: &str) -> Result<String, String> {
    match Url::parse(&format!("https://{text}/")) {
        Ok(url) if url.host_str() == Some(text.to_ascii_lowercase().as_str()) && url.path() == "/" => {
            Ok(text.to_ascii_lowercase())
        }
        _ => Err(format!("\"{text}\" is not a host alone")),
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;
    use crate::tests::read;

    #[test]
    fn without_any_setting_it_is_openai_without_a_key() {
        let settings = read(&[]).unwrap().openai;
        assert_eq!(settings.base_url.as_str(), "https://api.openai.com/v1");
        assert!(settings.api_key.is_none() && settings.models_file.is_none() && settings.url_hosts.is_empty());
        assert_eq!((settings.compat, settings.timeout), (Compat::OpenAi, Duration::from_secs(600)));
        assert_eq!(settings.image_model, "gpt-image-2.5-flare");
    }

    #[test]
    fn a_base_url_keeps_its_path_and_loses_its_last_slash() {
        for (given, kept) in [
            ("http://localhost:8080/v1/", "http://localhost:8080/v1"),
            ("https://gate.example/openai/v1", "https://gate.example/openai/v1"),
            ("http://ollama:11434", "http://ollama:11434/"),
        ] {
            assert_eq!(read(&[("OPENAI_BASE_URL", given)]).unwrap().openai.base_url.as_str(), kept);
        }
        for wrong in ["api.openai.com/v1", "ftp://x/v1", "https://me:pw@x/v1", "https://x/v1?key=1", "https://x/#v1"] {
            let text = read(&[("OPENAI_BASE_URL", wrong)]).unwrap_err().to_string();
            assert!(text.contains("OPENAI_BASE_URL"), "{wrong}: {text}");
        }
    }

    #[test]
    fn the_key_may_come_from_a_file_and_is_never_shown() {
        let config = read(&[("OPENAI_API_KEY", "sk-hunter2")]).unwrap();
        assert_eq!(config.openai.api_key.as_ref().unwrap().expose_secret(), "sk-hunter2");
        assert!(!format!("{config:?}").contains("hunter2"), "the settings may be printed");
        let text = read(&[("OPENAI_API_KEY", "sk-1 sk-2")]).unwrap_err().to_string();
        assert!(text.contains("OPENAI_API_KEY") && !text.contains("sk-1"), "{text}");
        assert!(read(&[("OPENAI_API_KEY_FILE", "/missing")]).is_err());
        assert!(read(&[("OPENAI_API_KEY_FILE", "/key")]).is_err(), "the text of a file is no key");
    }

    #[test]
    fn a_pace_is_a_whole_number() {
        let pace = |text| read(&[("OPENAI_IMAGES_PER_MINUTE", text)]).map(|config| config.openai.images_per_minute);
        assert_eq!((pace("").unwrap(), pace("250").unwrap()), (None, Some(250)));
        for wrong in ["0", "-1", "1.5", "many", "100001"] {
            assert!(pace(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn hosts_are_hosts_alone() {
        let hosts = |text| read(&[("OPENAI_URL_HOSTS", text)]).map(|config| config.openai.url_hosts);
        assert_eq!(hosts("CDN.example.com, b.example").unwrap(), ["cdn.example.com", "b.example"]);
        for wrong in ["https://x.example", "x.example/a", "x.example:80", "a b", "me@x.example"] {
            assert!(hosts(wrong).is_err(), "{wrong}");
        }
    }
}
