//! The flags that make a recipe. They become steps in the order in which they stand on the command line.

use clap::{
    ArgMatches, Args,
    builder::{PossibleValuesParser, TypedValueParser},
};
use common::{
    Failure, Format, Recipe, Step,
    recipe::{Color, ColorSpace, Metadata, Output, Preset, Speed},
};
use serde_json::{Value, json};

/// Steps and output settings, for one image or many.
#[derive(Debug, Args)]
pub(crate) struct RecipeFlags {
    /// Resize to WIDTHxHEIGHT pixels; 800x or x600 follows the aspect.
    #[arg(long, value_name = "WxH")]
    resize: Option<String>,
    /// How --resize meets the box.
    #[arg(long, value_parser = PossibleValuesParser::new(["inside", "outside", "cover", "contain", "pad", "fill"]), requires = "resize")]
    fit: Option<String>,
    /// Let --resize enlarge a small image.
    #[arg(long, requires = "resize")]
    upscale: bool,
    /// Crop to WIDTHxHEIGHT+X+Y pixels, WIDTHxHEIGHT around the middle, or an aspect such as 16:9.
    #[arg(long, value_name = "AREA")]
    crop: Option<String>,
    /// Cut off a border of one colour.
    #[arg(long)]
    trim: bool,
    /// Rotate clockwise by any angle.
    #[arg(long, value_name = "DEGREES", allow_negative_numbers = true)]
    rotate: Option<f32>,
    /// Mirror top to bottom.
    #[arg(long)]
    flip: bool,
    /// Mirror left to right.
    #[arg(long)]
    flop: bool,
    /// Gaussian blur with this standard deviation in pixels.
    #[arg(long, value_name = "SIGMA")]
    blur: Option<f32>,
    /// Unsharp mask of this strength.
    #[arg(long, value_name = "AMOUNT", num_args = 0..=1, default_missing_value = "1")]
    sharpen: Option<f32>,
    /// Remove colour.
    #[arg(long)]
    grayscale: bool,
    /// Multiply brightness; 1 changes nothing.
    #[arg(long, value_name = "FACTOR")]
    brightness: Option<f32>,
    /// Multiply contrast; 1 changes nothing.
    #[arg(long, value_name = "FACTOR")]
    contrast: Option<f32>,
    /// Lay this image file on top, in the lower right corner.
    #[arg(long, value_name = "FILE")]
    watermark: Option<String>,
    /// Write this text at the bottom.
    #[arg(long, value_name = "TEXT")]
    text: Option<String>,
    /// Steps as the JSON list that `transform_image` takes, such as '[{"op":"resize","width":800}]'.
    #[arg(long, value_name = "JSON")]
    steps: Option<String>,
    /// A size and format for a usual place, after all steps; other settings come first.
    #[arg(long, value_name = "NAME", value_parser = PossibleValuesParser::new(Preset::ALL.map(Preset::name)).map(|name| preset(&name)), conflicts_with = "resize")]
    preset: Option<Preset>,
    /// 1 to 100, for JPEG, AVIF and lossy WebP [default: 80].
    #[arg(long, value_name = "Q", value_parser = clap::value_parser!(u8).range(1..=100))]
    quality: Option<u8>,
    /// The largest the file may be; the quality is lowered until it fits.
    #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(u64).range(100..))]
    max_bytes: Option<u64>,
    /// The smallest file that looks this alike (SSIM, 0.5 to 0.999); --quality is then the most.
    #[arg(long, value_name = "SSIM", value_parser = likeness)]
    min_ssim: Option<f64>,
    /// Dots per inch to note in a JPEG or PNG.
    #[arg(long, value_name = "DPI", value_parser = clap::value_parser!(u16).range(1..=10_000))]
    dpi: Option<u16>,
    /// WebP without loss.
    #[arg(long)]
    lossless: bool,
    /// JPEG in progressive scans.
    #[arg(long)]
    progressive: bool,
    /// How a large JPEG is made smaller: fast decodes no more than the result needs, hq twice as much per side [default: fast].
    #[arg(long, value_parser = PossibleValuesParser::new(["fast", "hq"]))]
    speed: Option<String>,
    /// CSS colour under transparency where the output has none [default: white].
    #[arg(long, value_name = "COLOR")]
    background: Option<String>,
    /// EXIF, XMP and IPTC of the input in the result.
    #[arg(long, value_parser = PossibleValuesParser::new(["strip", "keep", "keep_copyright", "strip_gps"]), default_value = "strip")]
    metadata: String,
    /// Convert colours to sRGB, or keep them with the input's ICC profile.
    #[arg(long, value_parser = PossibleValuesParser::new(["srgb", "keep"]), default_value = "srgb")]
    color: String,
    /// A damaged file is an error, not a warning.
    #[arg(long)]
    pub(super) strict: bool,
}

/// The flags that become steps; clap remembers where each stood.
const ORDERED: [&str; 14] = [
    "steps",
    "resize",
    "crop",
    "trim",
    "rotate",
    "flip",
    "flop",
    "blur",
    "sharpen",
    "grayscale",
    "brightness",
    "contrast",
    "watermark",
    "text",
];

impl RecipeFlags {
    /// The recipe, with `format` for its output.
    pub(super) fn recipe(&self, matches: &ArgMatches, format: Option<Format>) -> Result<Recipe, Failure> {
        let given = matches.subcommand().map_or(matches, |(_, matches)| matches);
        let place = |flag: &str| given.index_of(flag).unwrap_or(usize::MAX);
        let present = |flag: &&str| {
            given.value_source(flag).is_some_and(|source| source == clap::parser::ValueSource::CommandLine)
        };
        let mut flags: Vec<&str> = ORDERED.into_iter().filter(present).collect();
        flags.sort_by_key(|flag| place(flag));
        let mut steps = Vec::new();
        for flag in flags {
            steps.extend(self.steps_of(flag)?);
        }
        let mut output = self.output(format)?;
        if let Some(preset) = self.preset {
            let Recipe { steps: own, output: settings } = preset.recipe();
            steps.extend(own);
            output = output.or(settings);
        }
        Recipe::check_steps(&steps)?;
        Ok(Recipe { steps, output })
    }

    fn steps_of(&self, flag: &str) -> Result<Vec<Step>, Failure> {
        let step = match flag {
            "steps" => {
                let text = self.steps.as_deref().unwrap_or_default();
                let list: Value = serde_json::from_str(text)
                    .map_err(|error| Failure::invalid("--steps", format!("This is not JSON: {error}.")))?;
                return Recipe::parse_steps(&list);
            }
            "resize" => self.resize_step()?,
            "crop" => crop_step(self.crop.as_deref().unwrap_or_default())?,
            "rotate" => json!({"op": "rotate", "angle_degrees": self.rotate}),
            "trim" | "flip" | "flop" | "grayscale" => json!({"op": flag}),
            "blur" => json!({"op": "blur", "sigma": self.blur}),
            "sharpen" => json!({"op": "sharpen", "amount": self.sharpen}),
            "brightness" => json!({"op": "brightness", "factor": self.brightness}),
            "watermark" => json!({"op": "watermark", "image": self.watermark}),
            "text" => json!({"op": "text", "text": self.text}),
            _ => json!({"op": "contrast", "factor": self.contrast}),
        };
        Recipe::parse_steps(&json!([step])).map_err(|failure| by_flag(failure, flag))
    }

    fn resize_step(&self) -> Result<Value, Failure> {
        let text = self.resize.as_deref().unwrap_or_default();
        let wrong = || {
            Failure::invalid("--resize", format!("\"{text}\" is not a size."))
                .allowed("WIDTHxHEIGHT, WIDTHx or xHEIGHT, in pixels")
        };
        let (width, height) = text.split_once('x').unwrap_or((text, ""));
        let side =
            |text: &str| if text.is_empty() { Ok(None) } else { text.parse::<u32>().map(Some).map_err(|_| wrong()) };
        Ok(
            json!({"op": "resize", "width": side(width)?, "height": side(height)?, "fit": self.fit, "upscale": self.upscale}),
        )
    }

    fn output(&self, format: Option<Format>) -> Result<Output, Failure> {
        let background = match &self.background {
            None => None,
            Some(text) => Some(Color::parse(text).ok_or_else(|| {
                Failure::invalid("--background", format!("\"{text}\" is not a colour."))
                    .allowed("a CSS colour, such as #ff8800")
            })?),
        };
        Ok(Output {
            format,
            quality: self.quality,
            max_bytes: self.max_bytes,
            min_ssim: self.min_ssim,
            lossless: self.lossless,
            progressive: self.progressive,
            speed: if self.speed.as_deref() == Some("hq") { Speed::Hq } else { Speed::Fast },
            background,
            dpi: self.dpi,
            metadata: match self.metadata.as_str() {
                "keep" => Metadata::Keep,
                "keep_copyright" => Metadata::KeepCopyright,
                "strip_gps" => Metadata::StripGps,
                _ => Metadata::Strip,
            },
            color: if self.color == "keep" { ColorSpace::Keep } else { ColorSpace::Srgb },
        })
    }
}

fn preset(name: &str) -> Preset {
    // clap lets no other name through.
    Preset::ALL.into_iter().find(|preset| preset.name() == name).unwrap_or(Preset::Web)
}

fn likeness(text: &str) -> Result<f64, String> {
    text.parse().ok().filter(|ssim| (0.5..=0.999).contains(ssim)).ok_or_else(|| "allowed: 0.5 to 0.999".into())
}

fn crop_step(text: &str) -> Result<Value, Failure> {
    if text.contains(':') {
        return Ok(json!({"op": "crop", "aspect": text}));
    }
    let numbers: Result<Vec<u32>, _> = text.split(['x', '+']).map(str::parse).collect();
    match numbers.as_deref() {
        Ok([width, height]) => Ok(json!({"op": "crop", "width": width, "height": height})),
        Ok([width, height, x, y]) => Ok(json!({"op": "crop", "width": width, "height": height, "x": x, "y": y})),
        _ => Err(Failure::invalid("--crop", format!("\"{text}\" is not an area."))
            .allowed("WIDTHxHEIGHT+X+Y, WIDTHxHEIGHT, or an aspect such as 16:9")),
    }
}

/// The person wrote a flag, not a step.
fn by_flag(failure: Failure, flag: &str) -> Failure {
    failure.argument(format!("--{flag}"))
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(subcommand)]
        command: Command,
    }

    #[derive(Subcommand)]
    enum Command {
        Do(RecipeFlags),
    }

    fn recipe(flags: &[&str]) -> Result<Recipe, Failure> {
        let matches = Line::command().try_get_matches_from(["x", "do"].iter().chain(flags)).unwrap();
        let Command::Do(parsed) = Line::from_arg_matches(&matches).unwrap().command;
        parsed.recipe(&matches, None)
    }

    fn ops(flags: &[&str]) -> Vec<&'static str> {
        recipe(flags).unwrap().steps.iter().map(Step::op).collect()
    }

    #[test]
    fn what_is_kept_of_the_source() {
        let output = |flags: &[&str]| recipe(flags).unwrap().output;
        assert_eq!(output(&[]), Output::default());
        for (flag, policy) in [
            ("strip", Metadata::Strip),
            ("keep", Metadata::Keep),
            ("keep_copyright", Metadata::KeepCopyright),
            ("strip_gps", Metadata::StripGps),
        ] {
            assert_eq!(output(&["--metadata", flag]).metadata, policy);
        }
        assert_eq!(output(&["--color", "keep"]).color, ColorSpace::Keep);
    }

    #[test]
    fn steps_follow_the_order_of_the_flags() {
        assert_eq!(ops(&["--rotate", "90", "--resize", "8x8"]), ["rotate", "resize"]);
        assert_eq!(ops(&["--resize", "8x8", "--rotate", "-90", "--flip"]), ["resize", "rotate", "flip"]);
        assert_eq!(ops(&["--grayscale", "--steps", r#"[{"op":"flop"},{"op":"flip"}]"#]), ["grayscale", "flop", "flip"]);
        assert_eq!(ops(&["--contrast", "2", "--sharpen", "--crop", "4x4"]), ["contrast", "sharpen", "crop"]);
        assert_eq!(ops(&["--text", "Hi", "--trim", "--watermark", "logo.png"]), ["text", "trim", "watermark"]);
        assert!(ops(&[]).is_empty());
    }

    #[test]
    fn mistakes_name_the_flag() {
        for (flags, named) in [
            (vec!["--resize", "big"], "--resize"),
            (vec!["--resize", "0x0"], "--resize"),
            (vec!["--crop", "1x2x3"], "--crop"),
            (vec!["--blur", "9999"], "--blur"),
            (vec!["--steps", "{"], "--steps"),
            (vec!["--steps", r#"[{"op":"resize"}]"#], "steps[0]"),
            (vec!["--background", "nope"], "--background"),
        ] {
            assert_eq!(recipe(&flags).unwrap_err().argument.as_deref(), Some(named), "{flags:?}");
        }
    }
}
