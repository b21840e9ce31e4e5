//! Pictures as the provider takes them: of a format it knows, upright, no larger than it looks at, without metadata.

use bytes::Bytes;
use common::{Failure, FailureKind, Format, Recipe, recipe::Output};
use serde_json::json;

use super::{Provider, wishes::MAX_EDGE};
use crate::engine::{Engine, Options, Stop};

/// The provider refuses files that are not smaller than this.
const MOST_UPLOAD_BYTES: u64 = 50 * 1024 * 1024;

/// And masks.
const MOST_MASK_BYTES: usize = 4 * 1024 * 1024;

/// The longest side that a model that reads pictures sees.
const MAX_SEEN: u32 = 2048;

/// Where so much of what a mask keeps looks otherwise, the model paid it no heed. Some backends never do.
const MASK_IGNORED: f64 = 0.5;

/// JPEG that nobody tells from the source.
const FINE: u8 = 95;

/// A file that is sent.
#[derive(Clone, Debug)]
pub(super) struct Upload {
    pub(super) bytes: Bytes,
    pub(super) format: Format,
    pub(super) width: u32,
    pub(super) height: u32,
}

impl Provider {
    /// A picture to start from: PNG or JPEG, in sRGB, with sides no longer than a model can make.
    pub(super) async fn upload(&self, image: &Bytes) -> Result<Upload, Failure> {
        let image = image.clone();
        let upload = self
            .on_engine(move |engine, stop| {
                let format = match engine.probe(&image)?.format {
                    Format::Jpeg => Format::Jpeg,
                    _ => Format::Png,
                };
                shrunk(engine, &image, MAX_EDGE, format, FINE, stop)
            })
            .await?;
        if upload.bytes.len() as u64 >= MOST_UPLOAD_BYTES {
            return Err(Failure::new(FailureKind::TooLarge, "The picture is too large to be sent to the provider.")
                .allowed(format!("less than {} MB", MOST_UPLOAD_BYTES / 1_048_576))
                .next("Convert it to JPEG or make it smaller with transform_image first."));
        }
        Ok(upload)
    }

    /// A mask as the provider wants it: PNG, as large as the picture it belongs to, transparent where that may change.
    pub(super) async fn mask(&self, mask: &Bytes, of: &Upload) -> Result<Upload, Failure> {
        let (mask, width, height) = (mask.clone(), of.width, of.height);
        let bytes = self.on_engine(move |engine, stop| engine.edit_mask(&mask, width, height, stop)).await?;
        if bytes.len() >= MOST_MASK_BYTES {
            return Err(Failure::new(FailureKind::TooLarge, "The mask is too detailed to be sent to the provider.")
                .allowed(format!("less than {} MB as PNG", MOST_MASK_BYTES / 1_048_576))
                .next("Use a mask of plain areas, or a smaller picture."));
        }
        Ok(Upload { bytes: bytes.into(), format: Format::Png, width, height })
    }

    /// A picture to be looked at, as the data URL that every backend understands.
    pub(super) async fn data_url(&self, image: &Bytes) -> Result<String, Failure> {
        use base64::{Engine as _, engine::general_purpose::STANDARD};

        let image = image.clone();
        let shown =
            self.on_engine(move |engine, stop| shrunk(engine, &image, MAX_SEEN, Format::Jpeg, 90, stop)).await?;
        Ok(format!("data:{};base64,{}", shown.format.media_type(), STANDARD.encode(&shown.bytes)))
    }

    /// Whether a picture that was made is as transparent as was promised. One that cannot be read here, such as SVG, is not
    /// doubted: it was paid for.
    pub(super) async fn is_transparent(&self, made: &Bytes) -> bool {
        let made = made.clone();
        self.on_engine(move |engine, stop| engine.is_transparent(&made, stop)).await.unwrap_or(true)
    }

    /// Puts back what the mask does not let change, and says what of that had no effect.
    pub(super) async fn put_back(&self, made: &mut [Bytes], first: &Upload, mask: &Upload) -> Vec<String> {
        let (mut all, mut heeded) = (true, true);
        for picture in made {
            let (own, original, mask) = (picture.clone(), first.bytes.clone(), mask.bytes.clone());
            let whole = self.on_engine(move |engine, stop| engine.keep_outside(&original, &own, &mask, stop)).await;
            // What was paid for is handed on as it is.
            match whole {
                Ok(Some(whole)) => {
                    heeded &= whole.outside_changed < MASK_IGNORED;
                    *picture = whole.bytes.into();
                }
                Ok(None) | Err(_) => all = false,
            }
        }
        let lost = "preserve_outside_mask: the model made a picture of another shape, or one that cannot be read here";
        let ignored =
            "mask: the model changed most of what it does not let change; that was put back, so edges may show";
        [(all, lost), (heeded, ignored)].into_iter().filter(|(fine, _)| !fine).map(|(_, what)| what.into()).collect()
    }

    async fn on_engine<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Engine, &Stop) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let engine = self.engine();
        let stop = Stop::new(engine.limits().timeout);
        let inner = stop.clone();
        engine.run(&stop, move |engine| work(engine, &inner)).await
    }
}

/// The picture upright, in sRGB, without metadata, in a box of `side` pixels.
fn shrunk(
    engine: &Engine,
    image: &[u8],
    side: u32,
    format: Format,
    quality: u8,
    stop: &Stop,
) -> Result<Upload, Failure> {
    let steps = Recipe::parse_steps(&json!([{"op": "resize", "width": side, "height": side, "fit": "inside"}]))?;
    let output = Output { format: Some(format), quality: Some(quality), ..Output::default() };
    let made = engine.transform(image, &Recipe { steps, output }, &Options::default(), stop)?;
    Ok(Upload { bytes: made.bytes.into(), format, width: made.facts.width, height: made.facts.height })
}
