//! What may be set. A leaf: no I/O, no async; the environment is a parameter.
//!
//! Each section is one file, and the line that reads a variable is the only place that states its name, default,
//! bounds and meaning: the README's table, `.env.example` and `image-tool config` are made from it.
#![forbid(unsafe_code)]

mod engine;
mod logs;
mod metrics;
mod money;
mod openai;
mod queue;
mod reader;
mod sign_in;
mod storage;
mod tables;
mod web;

use std::{
    collections::BTreeMap,
    fmt, io,
    path::{Path, PathBuf},
};

pub use self::{
    engine::Engine,
    logs::Logs,
    metrics::Metrics,
    money::Money,
    openai::{Compat, OpenAi},
    queue::Queue,
    reader::{Mistake, Origin, Variable},
    sign_in::{Allowed, JwtAlg, Oidc, OwnerPassword, Registration, SignIn},
    storage::{S3, Storage, StorageUrl},
    tables::{dotenv, markdown},
    web::{Web, is_loopback},
};
use reader::Reader;

/// What the program knows of its surroundings; the defaults that depend on the machine.
#[derive(Clone, Debug)]
pub struct Surroundings {
    /// How the program was started.
    pub way: Way,
    /// The folder it was started in.
    pub start_dir: PathBuf,
    /// The user's home folder, never a default root.
    pub home_dir: Option<PathBuf>,
    /// Where programs keep their data on this platform; the default `DATA_DIR` over stdio.
    pub data_home: PathBuf,
    /// Cores that may be used.
    pub cores: usize,
    /// Reads the file of a secret that is given by `NAME_FILE`.
    pub read_file: ReadFile,
}

/// Reads a whole file of text.
pub type ReadFile = fn(&Path) -> io::Result<String>;

/// How the program was started.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Way {
    /// An HTTP server.
    Serve,
    /// MCP over stdin and stdout for one local client, or a command of the shell. What is for the web or shared with other
    /// machines does not concern it.
    Stdio,
    /// The worker program, which takes jobs of other machines. What is only for the web does not concern it.
    Worker,
}

/// Every setting, checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where and for whom the web listens.
    pub web: Web,
    /// Who may sign in, and what tokens are like.
    pub sign_in: SignIn,
    /// Where things are kept, and which folders may be read.
    pub storage: Storage,
    /// What a picture may cost.
    pub engine: Engine,
    /// The provider that makes and reads pictures with models.
    pub openai: OpenAi,
    /// How much of it models may cost.
    pub money: Money,
    /// How work is shared out.
    pub queue: Queue,
    /// Where the figures and the health of the worker program are read.
    pub metrics: Metrics,
    /// What is logged.
    pub logs: Logs,
    /// Every variable with its value and where that came from, in the order of the sections.
    pub variables: Vec<Variable>,
}

impl Config {
    /// Reads every setting from `environment`.
    ///
    /// # Errors
    /// [`Mistakes`]: every variable at fault, not only the first.
    pub fn read(environment: &BTreeMap<String, String>, around: &Surroundings) -> Result<Self, Mistakes> {
        let mut reader = Reader::new(environment, around);
        let web = |reader: &mut Reader<'_>| (Web::read(reader), SignIn::read(reader));
        let (web, sign_in) = if around.way == Way::Serve { web(&mut reader) } else { reader.aside(web) };
        let storage = Storage::read(&mut reader, around, &web);
        let engine = Engine::read(&mut reader);
        let openai = OpenAi::read(&mut reader);
        // The web tells workers what a call may cost.
        let money = if around.way == Way::Worker { reader.aside(Money::read) } else { Money::read(&mut reader) };
        let queue = Queue::read(&mut reader, around, storage.redis_url.is_some());
        let metrics = Metrics::read(&mut reader);
        let logs = Logs::read(&mut reader);
        let (variables, mistakes) = reader.finish();
        if mistakes.is_empty() {
            Ok(Self { web, sign_in, storage, engine, openai, money, queue, metrics, logs, variables })
        } else {
            Err(Mistakes(mistakes))
        }
    }
}

/// Every mistake of one reading.
#[derive(Debug)]
pub struct Mistakes(pub Vec<Mistake>);

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.0.len() == 1 { "setting is" } else { "settings are" };
        writeln!(f, "{} {plural} wrong:", self.0.len())?;
        self.0.iter().try_for_each(|mistake| writeln!(f, "  {mistake}"))
    }
}

impl std::error::Error for Mistakes {}

#[cfg(test)]
mod tests {
    use super::*;

    pub(crate) fn around() -> Surroundings {
        Surroundings {
            way: Way::Serve,
            start_dir: "/srv/pictures".into(),
            home_dir: Some("/home/ann".into()),
            data_home: "/home/ann/.local/share/image-tool".into(),
            cores: 2,
            read_file: |path| match path.to_str() {
                Some("/missing") => Err(io::ErrorKind::NotFound.into()),
                _ => Ok(format!("the text of {}\n", path.display())),
            },
        }
    }

    /// What many machines need at least.
    pub(crate) const SHARED: [(&str, &str); 2] = [("REDIS_URL", "redis://r"), ("STORAGE_URL", "s3://pictures")];

    pub(crate) fn read_as(way: Way, pairs: &[(&str, &str)]) -> Result<Config, Mistakes> {
        let environment = pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        Config::read(&environment, &Surroundings { way, ..around() })
    }

    pub(crate) fn read(pairs: &[(&str, &str)]) -> Result<Config, Mistakes> {
        read_as(Way::Serve, pairs)
    }

    #[test]
    fn nothing_needs_to_be_set() {
        let config = read(&[]).unwrap();
        assert_eq!(config.web.address().to_string(), "127.0.0.1:8080");
        assert_eq!(config.storage.data_dir, PathBuf::from("/srv/pictures/data"));
        assert_eq!(config.storage.allowed_dirs, [PathBuf::from("/srv/pictures")]);
        assert_eq!(config.queue.worker_concurrency, 2);
    }

    #[test]
    fn every_mistake_is_named_at_once() {
        let text = read(&[("PORT", "http"), ("MAX_MEGAPIXELS", "0"), ("ALLOWED_DIR", "/x")]).unwrap_err().to_string();
        for part in ["3 settings are wrong", "PORT", "0 to 65535", "MAX_MEGAPIXELS", "ALLOWED_DIR", "ALLOWED_DIRS"] {
            assert!(text.contains(part), "{part} is missing in: {text}");
        }
    }

    #[test]
    fn foreign_variables_are_left_alone() {
        assert!(read(&[("PATH", "/bin"), ("REPORT", "x"), ("HOSTNAME", "box"), ("CARGO_HOME", "/c")]).is_ok());
    }

    #[test]
    fn an_empty_value_counts_as_unset() {
        assert_eq!(read(&[("PORT", "")]).unwrap().web.port, 8080);
    }

    #[test]
    fn a_worker_needs_redis_and_leaves_web_settings_alone() {
        let of_the_web = [("PORT", "http"), ("PUBLIC_URLS", "x"), ("JWT_SECRET", "short"), ("OIDC_ALLOWED", "ann")];
        let pairs: Vec<_> = SHARED.into_iter().chain(of_the_web).collect();
        let config = read_as(Way::Worker, &pairs).unwrap();
        assert!(config.storage.allowed_dirs.is_empty(), "its callers are elsewhere");
        assert_eq!(read(&pairs).unwrap_err().0.len(), of_the_web.len(), "a web server minds them");
        let text = read_as(Way::Worker, &[("MAX_FRAMES", "none")]).unwrap_err().to_string();
        assert!(text.contains("REDIS_URL") && text.contains("MAX_FRAMES"), "{text}");
        assert!(read_as(Way::Worker, &[SHARED[0], SHARED[1], ("QUEUE_LEASE_SEC", "2")]).is_err(), "misspelt");
    }
}
