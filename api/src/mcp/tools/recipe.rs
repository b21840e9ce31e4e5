//! The arguments that say what to do with a picture; `transform_image` and `batch_process` share them.

use std::path::Path;

use common::{
    Failure, Format, Recipe, Step,
    job::Source,
    recipe::{Color, ColorSpace, Fit, MAX_EDGE, MAX_STEPS, Metadata, Output, Preset, Resize, Speed},
};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::mcp::{dispatch::Call, image_argument};

#[derive(Debug, Default, Deserialize, JsonSchema)]
pub(super) struct RecipeArguments {
    /// What to do, in order, e.g. [{"op":"crop","aspect":"1:1"},{"op":"resize","width":800}].
    #[schemars(length(max = MAX_STEPS))]
    steps: Option<Vec<Step>>,
    /// Short for one resize step, in pixels. Not together with steps.
    #[schemars(range(min = 1, max = MAX_EDGE))]
    width: Option<u32>,
    /// As width.
    #[schemars(range(min = 1, max = MAX_EDGE))]
    height: Option<u32>,
    /// With width and height: inside (default, keeps all), cover (fills the box, crops), contain (pads), outside, fill.
    fit: Option<Fit>,
    /// Size and format for a usual place, after steps. Other arguments come first.
    preset: Option<Preset>,
    /// Default: the input's where it can be written, else png.
    output_format: Option<Format>,
    /// JPEG, AVIF and lossy WebP. Default 80.
    #[schemars(range(min = 1, max = 100))]
    quality: Option<u8>,
    /// The largest the file may be; the quality is lowered until it fits.
    #[schemars(range(min = 100))]
    max_bytes: Option<u64>,
    /// Smallest file that looks this alike (SSIM), e.g. 0.98; then quality is the most.
    #[schemars(range(min = 0.5, max = 0.999))]
    min_ssim: Option<f64>,
    /// Dots per inch to note in a JPEG or PNG, for print.
    #[schemars(range(min = 1, max = 10_000))]
    dpi: Option<u16>,
    /// WebP without loss. Default false.
    lossless: Option<bool>,
    /// Progressive JPEG. Default false.
    progressive: Option<bool>,
    speed: Option<Speed>,
    /// Laid under transparency where the format has none. Default white.
    background: Option<Color>,
    /// EXIF, XMP, IPTC of the input. Default strip.
    metadata: Option<Metadata>,
    /// keep: the input's ICC profile stays. Default srgb.
    color: Option<ColorSpace>,
}

impl RecipeArguments {
    /// Takes the format from the ending of the file that is asked for.
    ///
    /// # Errors
    /// If the ending is a format that cannot be written, or another one than `output_format`.
    pub(super) fn fit_to_name(&mut self, path: &str) -> Result<(), Failure> {
        let ending = Path::new(path).extension().and_then(|ending| ending.to_str());
        let Some(format) = ending.and_then(Format::from_extension) else { return Ok(()) };
        if !format.writable() {
            let writable: Vec<&str> = Format::WRITABLE.iter().map(|format| format.name()).collect();
            return Err(Failure::invalid("save_to", format!("A {} file cannot be written.", format.name()))
                .allowed(writable.join(", ")));
        }
        if self.output_format.is_some_and(|asked| asked != format) {
            return Err(Failure::invalid(
                "save_to",
                format!("The name ends as {} does, and output_format is another.", format.name()),
            )
            .next("Leave output_format out, or give save_to the ending that goes with it."));
        }
        self.output_format = Some(format);
        Ok(())
    }

    /// The recipe.
    ///
    /// # Errors
    /// If arguments exclude each other, or nothing is asked for.
    pub(super) fn recipe(self) -> Result<Recipe, Failure> {
        let sized = self.width.is_some() || self.height.is_some();
        let mut steps = self.steps.unwrap_or_default();
        if (sized || self.fit.is_some()) && !steps.is_empty() {
            let argument = if self.width.is_some() {
                "width"
            } else if self.height.is_some() {
                "height"
            } else {
                "fit"
            };
            return Err(Failure::invalid(
                argument,
                format!("{argument} stands beside steps; which comes first is unclear."),
            )
            .allowed("either steps, or width, height and fit")
            .next(r#"Put {"op":"resize", …} into steps where it belongs."#));
        }
        if sized {
            let fit = self.fit.unwrap_or_default();
            steps.push(Step::Resize(Resize { width: self.width, height: self.height, fit, ..Resize::default() }));
        } else if self.fit.is_some() {
            return Err(Failure::invalid("fit", "fit needs a width or a height."));
        }
        let mut output = Output {
            format: self.output_format,
            quality: self.quality,
            max_bytes: self.max_bytes,
            min_ssim: self.min_ssim,
            lossless: self.lossless.unwrap_or_default(),
            progressive: self.progressive.unwrap_or_default(),
            speed: self.speed.unwrap_or_default(),
            background: self.background,
            dpi: self.dpi,
            metadata: self.metadata.unwrap_or_default(),
            color: self.color.unwrap_or_default(),
        };
        if let Some(preset) = self.preset {
            if sized {
                return Err(Failure::invalid("preset", "A preset has a size of its own.")
                    .allowed("either preset, or width and height"));
            }
            let Recipe { steps: own, output: settings } = preset.recipe();
            steps.extend(own);
            output = output.or(settings);
        }
        Recipe::check_steps(&steps)?;
        if steps.is_empty() && output == Output::default() {
            return Err(Failure::invalid("steps", "Nothing is asked for.")
                .allowed("steps, width and/or height, preset, output_format, quality, max_bytes, min_ssim, lossless, progressive, dpi, metadata, color")
                .next(r#"For example "steps":[{"op":"resize","width":800}] or "output_format":"webp"."#));
        }
        Ok(Recipe { steps, output })
    }
}

/// The other images that the steps name, each checked as every image argument is. One that came as bytes is an id
/// from here on.
///
/// # Errors
/// What is wrong with one of them, with its path.
pub(super) async fn others(call: &Call, recipe: &mut Recipe) -> Result<Vec<Source>, Failure> {
    let mut sources = Vec::new();
    for (argument, image) in recipe.others_mut() {
        let source = image_argument::resolve(call, image, &argument).await?;
        if let Source::Image(id) | Source::Inline(id) = &source {
            *image = id.to_string();
        }
        sources.push(source);
    }
    Ok(sources)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn recipe(arguments: Value) -> Result<Recipe, Failure> {
        serde_json::from_value::<RecipeArguments>(arguments).unwrap().recipe()
    }

    #[test]
    fn width_is_short_for_a_resize_step() {
        let short = recipe(json!({"width": 800, "fit": "cover", "height": 600, "output_format": "jpg"})).unwrap();
        let long = recipe(
            json!({"steps": [{"op": "resize", "width": 800, "height": 600, "fit": "cover"}], "output_format": "jpeg"}),
        );
        assert_eq!(short, long.unwrap());
    }

    #[test]
    fn a_preset_follows_the_steps_and_yields_to_other_settings() {
        let made = recipe(json!({"steps": [{"op": "flip"}], "preset": "web", "quality": 40})).unwrap();
        assert_eq!(made.steps.iter().map(Step::op).collect::<Vec<_>>(), ["flip", "resize"]);
        assert_eq!((made.output.format, made.output.quality), (Some(Format::Webp), Some(40)));
    }

    #[test]
    fn contradictions_and_nothing_are_refused() {
        for (arguments, argument) in [
            (json!({}), "steps"),
            (json!({"steps": []}), "steps"),
            (json!({"fit": "cover"}), "fit"),
            (json!({"steps": [{"op": "flip"}], "height": 5}), "height"),
            (json!({"preset": "web", "height": 5}), "preset"),
            (json!({"steps": [{"op": "resize"}]}), "steps[0]"),
        ] {
            assert_eq!(recipe(arguments.clone()).unwrap_err().argument.as_deref(), Some(argument), "{arguments}");
        }
        assert!(recipe(json!({"quality": 60})).is_ok());
        let kept = recipe(json!({"metadata": "strip_gps", "color": "keep"})).unwrap().output;
        assert_eq!((kept.metadata, kept.color), (Metadata::StripGps, ColorSpace::Keep));
    }
}
