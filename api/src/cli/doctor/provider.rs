//! What only a build with a worker can look at: the provider, and the models that read text.

use common::{Stores, generation::Wishes};
use config::Config;
use worker::{
    engine::Engine,
    ocr::Ocr,
    provider::{Generate, Provider},
};

use super::Findings;

/// Asks the provider, and loads what reads text.
pub(super) async fn look(
    config: &Config,
    stores: Option<&Stores>,
    live: bool,
    findings: &mut Findings,
) -> anyhow::Result<()> {
    match Ocr::new(config.engine.ocr_model_dir.as_deref()) {
        Ok(_) => findings.good("text", "the models that read it are there")?,
        Err(why) => findings.wrong("OCR_MODEL_DIR", &why)?,
    }
    let Some(stores) = stores else { return Ok(()) };
    let engine = match Engine::new(worker::limits(config, 1)) {
        Ok(engine) => engine,
        Err(failure) => return Ok(findings.wrong("engine", &failure.to_string())?),
    };
    let provider = match Provider::new(&config.openai, engine, stores.state.clone(), stores.clock.clone()) {
        Ok(provider) => provider,
        Err(error) => return Ok(findings.wrong("provider", &error.to_string())?),
    };
    if !provider.can_look() {
        findings
            .concern("provider", "no OPENAI_API_KEY: the tools that make and describe images answer missing_api_key")?;
        return Ok(());
    }
    listed(config, &provider, findings).await?;
    if live {
        paid(&provider, findings).await?;
    }
    Ok(())
}

/// Whether the key works, and whether the models of the settings are in the provider's list.
async fn listed(config: &Config, provider: &Provider, findings: &mut Findings) -> anyhow::Result<()> {
    let models = match provider.list().await {
        Ok(models) => models,
        Err(failure) => return Ok(findings.wrong("provider", &failure.to_string())?),
    };
    findings
        .good("provider", &format!("{} accepts the key and has {} models", config.openai.base_url, models.len()))?;
    let named = [
        ("OPENAI_IMAGE_MODEL", &config.openai.image_model),
        ("OPENAI_EDIT_MODEL", &config.openai.edit_model),
        ("OPENAI_VISION_MODEL", &config.openai.vision_model),
    ];
    for (variable, name) in named {
        match models.iter().find(|model| model.id == *name) {
            Some(model) => {
                if let Some(day) = &model.shutdown {
                    findings.concern(variable, &format!("the provider says that {name} ends on {day}"))?;
                }
            }
            // The list lags behind.
            None => findings.concern(variable, &format!("{name} is not in the provider's list (yet)"))?,
        }
    }
    Ok(())
}

/// Makes the cheapest image there is.
async fn paid(provider: &Provider, findings: &mut Findings) -> anyhow::Result<()> {
    let wishes =
        Wishes { quality: Some("low".into()), size: Some("1024x1024".into()), n: Some(1), ..Wishes::default() };
    let ask = Generate { prompt: "A grey square, as a test".into(), wishes };
    match provider.generate(&ask, &|_| {}).await {
        Ok(made) => {
            let cost = made.cost.map_or_else(|| "a price that is not known".to_owned(), |cost| cost.to_string());
            let bytes: usize = made.images.iter().map(|image| image.len()).sum();
            findings.good("live", &format!("{} made an image of {bytes} bytes for {cost}", made.model))?;
        }
        Err(failure) => findings.wrong("live", &failure.to_string())?,
    }
    Ok(())
}
