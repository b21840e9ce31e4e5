//! The vocabulary of steps: what `transform_image`, `batch_process` and the command line share.
//!
//! One file a step: its parameters, bounds and documentation *are* the tool schema (see [`crate::schema`]).

mod auto_orient;
mod blur;
mod brightness;
mod color;
mod contrast;
mod crop;
mod draw;
mod edge;
mod emboss;
mod flatten;
mod flip;
mod flop;
mod focus;
mod gamma;
mod gravity;
mod grayscale;
mod hue;
mod invert;
mod kept;
mod normalize;
mod output;
mod pad;
mod pixelate;
mod posterize;
mod preset;
mod redact;
mod region;
mod resize;
mod rotate;
mod round_corners;
mod saturation;
mod sepia;
mod sharpen;
mod text;
mod threshold;
mod tint;
mod trim;
mod watermark;
mod words;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use self::{
    auto_orient::AutoOrient,
    blur::Blur,
    brightness::Brightness,
    color::Color,
    contrast::Contrast,
    crop::Crop,
    draw::{Arrow, Draw},
    edge::Edge,
    emboss::Emboss,
    flatten::Flatten,
    flip::Flip,
    flop::Flop,
    focus::Focus,
    gamma::Gamma,
    gravity::Gravity,
    grayscale::Grayscale,
    hue::Hue,
    invert::Invert,
    kept::{ColorSpace, Metadata},
    normalize::Normalize,
    output::{Output, Speed},
    pad::Pad,
    pixelate::Pixelate,
    posterize::Posterize,
    preset::Preset,
    redact::{Redact, Redaction},
    region::Region,
    resize::{Filter, Fit, Resize},
    rotate::Rotate,
    round_corners::RoundCorners,
    saturation::Saturation,
    sepia::Sepia,
    sharpen::Sharpen,
    text::Text,
    threshold::Threshold,
    tint::Tint,
    trim::Trim,
    watermark::Watermark,
};
use crate::{Failure, schema};

/// The longest edge of any picture that is made, in pixels.
pub const MAX_EDGE: u32 = 16_384;

/// The most steps in one recipe.
pub const MAX_STEPS: usize = 50;

/// One step, a flat object tagged by `op`.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum Step {
    /// Turn upright by the EXIF orientation.
    AutoOrient(AutoOrient),
    /// Change the size.
    Resize(Resize),
    /// Cut out a rectangle.
    Crop(Crop),
    /// Cut off a border of one colour.
    Trim(Trim),
    /// Rotate by any angle.
    Rotate(Rotate),
    /// Mirror top to bottom.
    Flip(Flip),
    /// Mirror left to right.
    Flop(Flop),
    /// Add room or a border.
    Pad(Pad),
    /// Round off the corners.
    RoundCorners(RoundCorners),
    /// Gaussian blur.
    Blur(Blur),
    /// Unsharp mask.
    Sharpen(Sharpen),
    /// Squares of one colour.
    Pixelate(Pixelate),
    /// Remove colour.
    Grayscale(Grayscale),
    /// Brown as an old photograph.
    Sepia(Sepia),
    /// The negative.
    Invert(Invert),
    /// Scale every channel.
    Brightness(Brightness),
    /// Stretch every channel around the middle.
    Contrast(Contrast),
    /// More or less colour.
    Saturation(Saturation),
    /// Turn all colours.
    Hue(Hue),
    /// Lighter or darker middle tones.
    Gamma(Gamma),
    /// Use the whole range of tones.
    Normalize(Normalize),
    /// Shades of one colour.
    Tint(Tint),
    /// Black and white.
    Threshold(Threshold),
    /// Few tones.
    Posterize(Posterize),
    /// As if pressed into metal.
    Emboss(Emboss),
    /// Outlines.
    Edge(Edge),
    /// Another picture on top.
    Watermark(Watermark),
    /// Words on top.
    Text(Text),
    /// Boxes and arrows.
    Draw(Draw),
    /// Destroy parts for good.
    Redact(Redact),
    /// Lay on a colour.
    Flatten(Flatten),
}

impl Step {
    /// The name of the step, as `op` spells it.
    #[must_use]
    pub fn op(&self) -> &'static str {
        match self {
            Self::AutoOrient(_) => "auto_orient",
            Self::Resize(_) => "resize",
            Self::Crop(_) => "crop",
            Self::Trim(_) => "trim",
            Self::Rotate(_) => "rotate",
            Self::Flip(_) => "flip",
            Self::Flop(_) => "flop",
            Self::Pad(_) => "pad",
            Self::RoundCorners(_) => "round_corners",
            Self::Blur(_) => "blur",
            Self::Sharpen(_) => "sharpen",
            Self::Pixelate(_) => "pixelate",
            Self::Grayscale(_) => "grayscale",
            Self::Sepia(_) => "sepia",
            Self::Invert(_) => "invert",
            Self::Brightness(_) => "brightness",
            Self::Contrast(_) => "contrast",
            Self::Saturation(_) => "saturation",
            Self::Hue(_) => "hue",
            Self::Gamma(_) => "gamma",
            Self::Normalize(_) => "normalize",
            Self::Tint(_) => "tint",
            Self::Threshold(_) => "threshold",
            Self::Posterize(_) => "posterize",
            Self::Emboss(_) => "emboss",
            Self::Edge(_) => "edge",
            Self::Watermark(_) => "watermark",
            Self::Text(_) => "text",
            Self::Draw(_) => "draw",
            Self::Redact(_) => "redact",
            Self::Flatten(_) => "flatten",
        }
    }

    /// Checks what a schema cannot say: arguments that need or exclude each other.
    fn check(&self, path: &str) -> Result<(), Failure> {
        match self {
            Self::Resize(step) => step.check(path),
            Self::Crop(step) => step.check(path),
            Self::Pad(step) => step.check(path),
            Self::Draw(step) => step.check(path),
            Self::Text(step) => step.check(path),
            _ => Ok(()),
        }
    }
}

/// What to do with a picture: an ordered list of steps, and how to write the result.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Recipe {
    /// The steps, in order.
    pub steps: Vec<Step>,
    /// How the result is written.
    pub output: Output,
}

impl Recipe {
    /// Reads `steps`, a JSON list of step objects, and checks every bound.
    ///
    /// # Errors
    /// `invalid_argument` with the path of the value at fault, such as `steps[2].width`.
    pub fn parse_steps(steps: &Value) -> Result<Vec<Step>, Failure> {
        let mut steps = steps.clone();
        schema::conform(&mut steps, &schema::of::<Vec<Step>>(), "steps")?;
        let steps: Vec<Step> =
            serde_json::from_value(steps).map_err(|error| Failure::invalid("steps", error.to_string()))?;
        Self::check_steps(&steps)?;
        Ok(steps)
    }

    /// Checks what a schema cannot say about a list of steps.
    ///
    /// # Errors
    /// `invalid_argument` with the path of the value at fault.
    pub fn check_steps(steps: &[Step]) -> Result<(), Failure> {
        if steps.len() > MAX_STEPS {
            return Err(Failure::invalid("steps", format!("There are {} steps.", steps.len()))
                .allowed(format!("at most {MAX_STEPS} steps")));
        }
        for (index, step) in steps.iter().enumerate() {
            let path = format!("steps[{index}]");
            step.check(&path)?;
            if index > 0 && matches!(step, Step::AutoOrient(_)) {
                return Err(Failure::invalid(path, "auto_orient must be the first step.")
                    .next("Move it to the front, or leave it out: it is on by default."));
            }
        }
        Ok(())
    }

    /// The other pictures that the steps need, in order: the path of each argument, and what it names.
    pub fn others(&self) -> impl Iterator<Item = (String, &str)> {
        self.steps.iter().enumerate().filter_map(|(index, step)| match step {
            Step::Watermark(step) => Some((format!("steps[{index}].image"), step.image.as_str())),
            _ => None,
        })
    }

    /// As [`Self::others`], to give them other names.
    pub fn others_mut(&mut self) -> impl Iterator<Item = (String, &mut String)> {
        self.steps.iter_mut().enumerate().filter_map(|(index, step)| match step {
            Step::Watermark(step) => Some((format!("steps[{index}].image"), &mut step.image)),
            _ => None,
        })
    }

    /// Whether the picture is turned upright by its EXIF orientation before anything else.
    #[must_use]
    pub fn auto_orients(&self) -> bool {
        !matches!(self.steps.first(), Some(Step::AutoOrient(AutoOrient { enabled: false })))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_step_is_a_flat_object() {
        let steps = Recipe::parse_steps(&json!([{"op": "resize", "width": 800}, {"op": "flip"}])).unwrap();
        assert_eq!(steps[0], Step::Resize(Resize { width: Some(800), ..Resize::default() }));
        assert_eq!(steps[1].op(), "flip");
    }

    #[test]
    fn mistakes_name_their_path() {
        for (steps, argument) in [
            (json!([{"op": "flip"}, {"op": "resize", "width": 0}]), "steps[1].width"),
            (json!([{"op": "resize", "widht": 8}]), "steps[0].widht"),
            (json!([{"op": "resize"}]), "steps[0]"),
            (json!([{"op": "resise", "width": 8}]), "steps[0].op"),
            (json!([{"width": 8}]), "steps[0].op"),
            (json!([{"op": "crop", "x": 1, "y": 1}]), "steps[0]"),
            (json!([{"op": "blur", "sigma": "much"}]), "steps[0].sigma"),
            (json!([{"op": "flip"}, {"op": "auto_orient"}]), "steps[1]"),
            (json!({"op": "nope"}), "steps[0].op"),
            (json!(3), "steps"),
            (json!([{"op": "rotate", "angle_degrees": 3, "background": "no colour"}]), "steps[0].background"),
        ] {
            let failure = Recipe::parse_steps(&steps).unwrap_err();
            assert_eq!(failure.argument.as_deref(), Some(argument), "{steps}: {failure}");
        }
    }

    #[test]
    fn names_agree_with_the_tag() {
        let schema = schema::of::<Step>();
        let names: Vec<&str> = schema["oneOf"]
            .as_array()
            .unwrap()
            .iter()
            .map(|v| v["properties"]["op"]["const"].as_str().unwrap())
            .collect();
        for steps in
            [json!([{"op": "grayscale"}]), json!([{"op": "auto_orient"}]), json!([{"op": "contrast", "factor": 2}])]
        {
            let parsed = Recipe::parse_steps(&steps).unwrap();
            assert_eq!(parsed[0].op(), steps[0]["op"]);
            assert!(names.contains(&parsed[0].op()));
        }
        assert_eq!(names.len(), 31);
    }
}
