//! The vocabulary of steps: what `transform_image`, `batch_process` and the command line share.
//!
//! One file a step: its parameters, bounds and documentation *are* the tool schema (see [`crate::schema`]).

mod auto_orient;
mod blur;
mod brightness;
mod color;
mod contrast;
mod crop;
mod flip;
mod flop;
mod gravity;
mod grayscale;
mod output;
mod resize;
mod rotate;
mod sharpen;

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
    flip::Flip,
    flop::Flop,
    gravity::Gravity,
    grayscale::Grayscale,
    output::Output,
    resize::{Filter, Fit, Resize},
    rotate::Rotate,
    sharpen::Sharpen,
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
    /// Rotate by any angle.
    Rotate(Rotate),
    /// Mirror top to bottom.
    Flip(Flip),
    /// Mirror left to right.
    Flop(Flop),
    /// Gaussian blur.
    Blur(Blur),
    /// Unsharp mask.
    Sharpen(Sharpen),
    /// Remove colour.
    Grayscale(Grayscale),
    /// Scale every channel.
    Brightness(Brightness),
    /// Stretch every channel around the middle.
    Contrast(Contrast),
}

impl Step {
    /// The name of the step, as `op` spells it.
    #[must_use]
    pub fn op(&self) -> &'static str {
        match self {
            Self::AutoOrient(_) => "auto_orient",
            Self::Resize(_) => "resize",
            Self::Crop(_) => "crop",
            Self::Rotate(_) => "rotate",
            Self::Flip(_) => "flip",
            Self::Flop(_) => "flop",
            Self::Blur(_) => "blur",
            Self::Sharpen(_) => "sharpen",
            Self::Grayscale(_) => "grayscale",
            Self::Brightness(_) => "brightness",
            Self::Contrast(_) => "contrast",
        }
    }

    /// Checks what a schema cannot say: arguments that need or exclude each other.
    fn check(&self, path: &str) -> Result<(), Failure> {
        match self {
            Self::Resize(step) => step.check(path),
            Self::Crop(step) => step.check(path),
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
        assert_eq!(names.len(), 11);
    }
}
