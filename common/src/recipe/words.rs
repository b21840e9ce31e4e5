//! A recipe as people read it.

use std::fmt::Write as _;

use serde_json::{Number, Value};

use super::{Output, Recipe};

impl Recipe {
    /// What is done, such as `resize (width 800), blur (sigma 3), as webp (quality 80)`; only what was asked for.
    #[must_use]
    pub fn in_words(&self) -> String {
        let plain = serde_json::to_value(Output::default()).unwrap_or_default();
        let mut output = serde_json::to_value(&self.output).unwrap_or_default();
        if let Some(output) = output.as_object_mut() {
            output.retain(|name, value| plain.get(name) != Some(value));
        }
        let format = output.get_mut("format").map(Value::take);
        let steps = self.steps.iter().map(|step| {
            let step = serde_json::to_value(step).unwrap_or_default();
            format!("{}{}", step["op"].as_str().unwrap_or_default(), parameters(&step))
        });
        let mut words: Vec<String> = steps.collect();
        match format.as_ref().and_then(Value::as_str) {
            Some(format) => words.push(format!("as {format}{}", parameters(&output))),
            None if parameters(&output).is_empty() => {}
            None => words.push(format!("written{}", parameters(&output))),
        }
        if words.is_empty() { "written anew".into() } else { words.join(", ") }
    }
}

/// ` (width 800, fit inside)`; nothing where there are none.
fn parameters(of: &Value) -> String {
    let mut text = String::new();
    for (name, value) in of.as_object().into_iter().flatten().filter(|(name, value)| *name != "op" && !value.is_null())
    {
        let before = if text.is_empty() { " (" } else { ", " };
        let name = name.replace('_', " ");
        // Writing to a string cannot fail.
        let _ = match value {
            Value::String(value) => write!(text, "{before}{name} {value}"),
            Value::Bool(true) => write!(text, "{before}{name}"),
            Value::Number(number) => write!(text, "{before}{name} {}", plain(number)),
            other => write!(text, "{before}{name} {other}"),
        };
    }
    if !text.is_empty() {
        text.push(')');
    }
    text
}

/// A number without the digits that only a conversion has added.
fn plain(number: &Number) -> String {
    match (number.as_i64(), number.as_f64()) {
        (None, Some(float)) => ((float * 1e4).round() / 1e4).to_string(),
        _ => number.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::Format;

    #[test]
    fn only_what_was_asked_for_is_said() {
        let steps = Recipe::parse_steps(&json!([{"op": "crop", "aspect": "1:1"}, {"op": "flip"}])).unwrap();
        let output = Output { format: Some(Format::Webp), quality: Some(70), ..Output::default() };
        let words = Recipe { steps: steps.clone(), output }.in_words();
        assert!(words.starts_with("crop (") && words.contains("aspect 1:1"), "{words}");
        assert!(words.ends_with("flip, as webp (quality 70)"), "{words}");
        let output = Output { max_bytes: Some(9000), ..Output::default() };
        assert!(Recipe { steps, output }.in_words().ends_with("flip, written (max bytes 9000)"));
        assert_eq!(Recipe::default().in_words(), "written anew");
        let steps = json!([{"op": "blur", "sigma": 2}, {"op": "brightness", "factor": 1.3}]);
        let steps = Recipe::parse_steps(&steps).unwrap();
        assert_eq!(Recipe { steps, ..Recipe::default() }.in_words(), "blur (sigma 2), brightness (factor 1.3)");
    }
}
