//! `image-tool doctor`: whether everything that the settings name is there and works, in words.

use anyhow::bail;
use clap::Args;
use common::{Clock, Stores, models::Models, process};
use config::{Config, StorageUrl, Way};

use super::{End, result};
#[cfg(feature = "embedded")]
mod provider;

/// Look at what the settings name, and say what is missing or will end soon. Exit code 1 if something is wrong.
#[derive(Args, Debug)]
pub(super) struct DoctorArguments {
    /// Also make one small image (quality low, 1024x1024, about a cent) and say what it cost.
    #[arg(long)]
    live: bool,
}

/// What was found.
#[derive(Default)]
struct Findings {
    concerns: u32,
    wrong: u32,
}

impl Findings {
    fn good(&mut self, what: &str, words: &str) -> std::io::Result<()> {
        result(&format!("ok     {what}: {words}"))
    }

    fn concern(&mut self, what: &str, words: &str) -> std::io::Result<()> {
        self.concerns += 1;
        result(&format!("note   {what}: {words}"))
    }

    fn wrong(&mut self, what: &str, words: &str) -> std::io::Result<()> {
        self.wrong += 1;
        result(&format!("WRONG  {what}: {words}"))
    }
}

/// `image-tool doctor`.
#[tokio::main]
pub(super) async fn run(arguments: &DoctorArguments) -> anyhow::Result<End> {
    let config = process::settings(Way::Serve)?;
    let mut findings = Findings::default();
    findings.good("settings", "all of them can be read; image-tool config prints them")?;
    let stores = stores(&config, &mut findings).await?;
    folders(&config, &mut findings)?;
    sign_in(&config, &mut findings)?;
    models(&config, &mut findings)?;
    #[cfg(feature = "embedded")]
    provider::look(&config, stores.as_ref(), arguments.live, &mut findings).await?;
    #[cfg(not(feature = "embedded"))]
    if arguments.live {
        bail!("this build of image-tool asks no models: run image-tool doctor --live where the worker is");
    }
    if let Some(stores) = stores {
        stores.close().await;
    }
    if findings.wrong > 0 {
        bail!("{} wrong, {} to note", findings.wrong, findings.concerns);
    }
    result(&format!("All is well; {} to note.", findings.concerns))?;
    Ok(End::Good)
}

/// Opens the stores and writes to them.
async fn stores(config: &Config, findings: &mut Findings) -> anyhow::Result<Option<Stores>> {
    let storage = &config.storage;
    let place = match &storage.redis_url {
        Some(_) => "Redis (REDIS_URL)".to_owned(),
        None => format!("SQLite in {}", storage.data_dir.display()),
    };
    let stores = match Stores::of(config, Clock::default()).await {
        Ok(stores) => stores,
        Err(error) => {
            findings.wrong("store", &format!("{place}: {error}"))?;
            return Ok(None);
        }
    };
    match stores.state.put("probe/doctor", b"ok", Some(std::time::Duration::from_secs(60))).await {
        Ok(()) => findings.good("store", &format!("{place}, can be written"))?,
        Err(error) => findings.wrong("store", &format!("{place}: {error}"))?,
    }
    for concern in stores.concerns().await.unwrap_or_default() {
        findings.concern("store", &concern)?;
    }
    match stores.blobs.probe().await {
        Ok(()) => findings.good("storage", &format!("images in {}, can be written", storage.url))?,
        Err(error) => findings.wrong("storage", &format!("images in {}: {error}", storage.url))?,
    }
    let hosted = std::env::var_os("RAILWAY_ENVIRONMENT").is_some();
    let lasts = std::env::var_os("RAILWAY_VOLUME_MOUNT_PATH").is_some();
    if storage.url == StorageUrl::Memory {
        findings.concern("storage", "STORAGE_URL=memory: keeps images until the program ends")?;
    } else if hosted && !lasts && storage.redis_url.is_none() {
        findings.concern(
            "storage",
            "no volume and no Redis: every image, sign-in and job is lost at the next deploy. Add a volume and set DATA_DIR to it",
        )?;
    }
    Ok(Some(stores))
}

fn folders(config: &Config, findings: &mut Findings) -> anyhow::Result<()> {
    for folder in &config.storage.allowed_dirs {
        match std::fs::read_dir(folder) {
            Ok(_) => findings.good("ALLOWED_DIRS", &format!("{} can be read", folder.display()))?,
            Err(error) => findings.wrong("ALLOWED_DIRS", &format!("{}: {error}", folder.display()))?,
        }
    }
    if config.storage.allowed_dirs.is_empty() {
        findings.concern("ALLOWED_DIRS", "none: images come by address, id or base64 only")?;
    }
    Ok(())
}

fn sign_in(config: &Config, findings: &mut Findings) -> anyhow::Result<()> {
    match (&config.web.public_url, config.web.auth) {
        (Some(url), _) => {
            findings.good("PUBLIC_URL", &format!("{url}; image-tool oauth-check {url} asks it what clients ask"))?;
        }
        (None, true) => findings.concern("PUBLIC_URL", "unset: for clients on this machine only")?,
        (None, false) => findings.concern("AUTH", "off: every program of this machine is the owner")?,
    }
    Ok(())
}

/// What is known of the models in the settings.
fn models(config: &Config, findings: &mut Findings) -> anyhow::Result<()> {
    let models = match Models::of(&config.openai) {
        Ok(models) => models,
        Err(why) => return Ok(findings.wrong("OPENAI_MODELS_FILE", &why)?),
    };
    let endings = models.endings(&config.openai, Clock::default().now_ms());
    for ending in &endings {
        findings.concern(ending.variable, &ending.note)?;
    }
    if endings.is_empty() {
        let openai = &config.openai;
        let named = format!("{}, {}, {}", openai.image_model, openai.edit_model, openai.vision_model);
        findings.good("models", &format!("{named}: none is known to end within 60 days"))?;
    }
    if config.openai.api_key.is_some() && config.money.daily_budget.is_none() && config.money.monthly_budget.is_none() {
        findings
            .concern("budget", "none: DAILY_BUDGET_USD and MONTHLY_BUDGET_USD limit what models may cost a user")?;
    }
    Ok(())
}
