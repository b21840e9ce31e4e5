//! What the tools have in common that have a model make images.

use common::{
    Failure, Format,
    generation::{Generation, Task, Wishes},
    job::{Return, SaveTo, Source},
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::mcp::{
    dispatch::Call,
    image_argument,
    paid::{self, Consent},
    reply::Reply,
};

#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct Making {
    /// How many images, 1 to 10. Default 1; more than 4 are quoted first.
    #[schemars(range(min = 1, max = 10))]
    n: Option<u8>,
    /// 1024x1024, 1536x1024, 1024x1536, auto (default); newer models take any WxH whose sides are multiples of 16.
    #[schemars(length(max = 20))]
    size: Option<String>,
    /// Instead of size: width:height from 1:3 to 3:1, such as 16:9.
    #[schemars(length(max = 20))]
    aspect_ratio: Option<String>,
    /// auto (default), low, medium, high; newer models also xhigh, max. It decides most of the price.
    #[schemars(length(max = 20))]
    quality: Option<String>,
    /// transparent (with png or webp), opaque, auto (default). Transparency is checked in the pixels.
    #[schemars(length(max = 20))]
    background: Option<String>,
    /// png (default), jpeg, webp; some models also gif, svg.
    #[schemars(length(max = 20))]
    output_format: Option<String>,
    /// 0 to 100, for jpeg and webp only. Default 100.
    #[schemars(range(min = 0, max = 100))]
    output_compression: Option<u8>,
    /// Instead of the server's default model; get_usage lists the known ones.
    #[schemars(length(max = 100))]
    model: Option<String>,
    /// Unfinished images on the way, as links in the progress messages: 0 (default) to 3. Each costs a little.
    #[schemars(range(min = 0, max = 3))]
    partial_images: Option<u8>,
    /// Let a cheap vision model say in one sentence what came out. Default: as the server is set (on).
    describe: Option<bool>,
    /// What the reply shows: preview (default, at most 1024 px), full (at most 1568 px), link, none.
    #[serde(rename = "return")]
    show: Option<Return>,
    /// Also write to this path in the allowed folders; further images get -2, -3 … Its ending gives the format.
    save_to: Option<String>,
    /// Let save_to replace an existing file. Default false.
    overwrite: Option<bool>,
    #[serde(flatten)]
    consent: Consent,
}

impl Making {
    /// How many images were asked for.
    pub(super) fn n(&mut self) -> &mut Option<u8> {
        &mut self.n
    }

    /// Has a model do `task`; `special` is what only this tool takes.
    pub(super) async fn perform(
        self,
        call: &Call,
        task: Task,
        special: Wishes,
        arguments: Value,
    ) -> Result<Reply, Failure> {
        let overwrite = self.overwrite.unwrap_or_default();
        if overwrite && self.save_to.is_none() {
            return Err(Failure::invalid("overwrite", "overwrite needs save_to."));
        }
        let named = self.save_to.as_deref().and_then(format_of);
        let output_format = match (self.output_format, named) {
            (Some(format), Some(named)) if format != named => {
                let message = format!("save_to ends like {named}, and output_format is {format}.");
                return Err(Failure::invalid("output_format", message).next("Let both say the same, or leave one out."));
            }
            (format, named) => format.or_else(|| named.map(str::to_owned)),
        };
        let wishes = Wishes {
            model: self.model,
            n: self.n,
            size: self.size,
            aspect_ratio: self.aspect_ratio,
            quality: self.quality,
            background: self.background,
            output_format,
            output_compression: self.output_compression,
            partial_images: self.partial_images.filter(|count| *count > 0),
            ..special
        };
        let generation = Generation {
            task,
            wishes,
            show: self.show.unwrap_or_default(),
            save_to: self.save_to.map(|path| SaveTo { path, overwrite }),
            describe: self.describe.unwrap_or(call.shared.config.money.describe_images),
            payment: common::generation::Payment::default(),
        };
        paid::generate(call, generation, &self.consent, arguments).await
    }
}

/// The format of a file by its ending.
fn format_of(path: &str) -> Option<&'static str> {
    let (_, ending) = path.rsplit_once('.')?;
    Format::from_extension(ending).map(Format::name)
}

/// The sources of a list of images; `name` is that of the argument.
pub(super) async fn resolve_all(call: &Call, images: &[String], name: &str) -> Result<Vec<Source>, Failure> {
    let mut sources = Vec::with_capacity(images.len());
    for (index, image) in images.iter().enumerate() {
        sources.push(image_argument::resolve(call, image, &format!("{name}[{index}]")).await?);
    }
    Ok(sources)
}
