//! Argument schemas, and making arguments conform to them.
//!
//! The schema that callers read *is* the check that runs: types, bounds, allowed values and unknown fields are
//! taken from it, so that the two cannot drift apart. Dialect: JSON Schema 2020-12, of which only the keywords
//! handled here may be used. What is published differs in one thing: see [`flat`].

mod flat;

use schemars::{JsonSchema, generate::SchemaSettings};
use serde_json::{Map, Value};

use crate::{Failure, recipe::Color};

/// The schema of `T`, without references and without `null`: an absent field is omitted.
#[must_use]
pub fn of<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    let mut schema = settings.into_generator().into_root_schema_for::<T>().to_value();
    forbid_null(&mut schema);
    join_names(&mut schema);
    schema
}

/// The schema as it is shown to clients: formats that are no part of the standard make some of them warn.
#[must_use]
pub fn published(mut schema: Value) -> Value {
    flat::flatten(&mut schema);
    strip_formats(&mut schema);
    if let Some(root) = schema.as_object_mut() {
        root.remove("title");
    }
    schema
}

fn forbid_null(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            if let Some(Value::Array(types)) = object.get_mut("type") {
                types.retain(|kind| kind != "null");
                if let [only] = types.as_slice() {
                    let only = only.clone();
                    object.insert("type".into(), only);
                }
            }
            if let Some(Value::Array(allowed)) = object.get_mut("enum") {
                allowed.retain(|value| !value.is_null());
            }
            if object.get("default").is_some_and(Value::is_null) {
                object.remove("default");
            }
            if let Some(Value::Array(mut either)) = object.remove("anyOf") {
                either.retain(|branch| branch["type"] != "null");
                match either.as_mut_slice() {
                    [Value::Object(only)] => {
                        for (key, value) in std::mem::take(only) {
                            object.entry(key).or_insert(value);
                        }
                    }
                    _ => {
                        object.insert("anyOf".into(), Value::Array(either));
                    }
                }
            }
            object.values_mut().for_each(forbid_null);
        }
        Value::Array(items) => items.iter_mut().for_each(forbid_null),
        _ => {}
    }
}

/// Names that are documented one by one come as `oneOf` constants; a plain `enum` says the same to every client.
fn join_names(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            let name = |variant: &Value| variant.get("const").filter(|name| name.is_string()).cloned();
            let names: Option<Vec<Value>> =
                object.get("oneOf").and_then(Value::as_array).and_then(|variants| variants.iter().map(name).collect());
            if let Some(names) = names {
                object.remove("oneOf");
                object.insert("type".into(), "string".into());
                object.insert("enum".into(), names.into());
            }
            object.values_mut().for_each(join_names);
        }
        Value::Array(items) => items.iter_mut().for_each(join_names),
        _ => {}
    }
}

fn strip_formats(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            // A property may itself be called "format"; the keyword is always a string.
            if object.get("format").is_some_and(Value::is_string) {
                object.remove("format");
            }
            object.values_mut().for_each(strip_formats);
        }
        Value::Array(items) => items.iter_mut().for_each(strip_formats),
        _ => {}
    }
}

/// Makes `value` conform to `schema`, or names the first thing that cannot.
///
/// Some hosts send every argument as a string (`"3"`, `"true"`, `"[1,2]"`) and absent ones as `null`: where the
/// meaning is plain, the value is changed to what the schema asks for.
///
/// # Errors
/// `invalid_argument` with the path of the value at fault, below `path` (empty for the root).
pub fn conform(value: &mut Value, schema: &Value, path: &str) -> Result<(), Failure> {
    if let Some(variants) = schema["oneOf"].as_array() {
        return conform_tagged(value, variants, path);
    }
    if let Some(kind) = schema["type"].as_str() {
        coerce(value, kind);
        if let (Value::String(text), Some(allowed)) = (&*value, schema["enum"].as_array()) {
            // Names are lower case; JPG means jpg.
            let meant = Value::String(text.to_lowercase());
            if allowed.contains(&meant) {
                *value = meant;
            }
        }
        if !has_type(value, kind) {
            return Err(Failure::invalid(path, format!("{} is {}.", named(path), describe(value)))
                .allowed(expectation(schema, kind)));
        }
    }
    check_enum(value, schema, path)?;
    check_color(value, schema, path)?;
    check_bounds(value, schema, path)?;
    match value {
        Value::Object(object) => conform_object(object, schema, path),
        Value::Array(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                conform(item, &schema["items"], &format!("{path}[{index}]"))?;
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

/// One of several objects that are told apart by their `op`.
fn conform_tagged(value: &mut Value, variants: &[Value], path: &str) -> Result<(), Failure> {
    coerce(value, "object");
    let tag = |variant: &Value| variant["properties"]["op"]["const"].as_str().unwrap_or_default().to_owned();
    let names: Vec<String> = variants.iter().map(tag).collect();
    let at = join(path, "op");
    let Some(object) = value.as_object() else {
        return Err(Failure::invalid(path, format!("{} is {}, not a step object.", named(path), describe(value)))
            .allowed("an object such as {\"op\":\"resize\",\"width\":800}"));
    };
    let Some(op) = object.get("op").and_then(Value::as_str) else {
        return Err(Failure::invalid(at, "The step does not say which operation it is.").allowed(names.join(", ")));
    };
    match names.iter().position(|name| name == op) {
        Some(index) => conform(value, &variants[index], path),
        None => {
            let failure = Failure::invalid(at, format!("There is no step \"{}\".", clip(op))).allowed(names.join(", "));
            Err(suggest(failure, op, names.iter().map(String::as_str)))
        }
    }
}

fn conform_object(object: &mut Map<String, Value>, schema: &Value, path: &str) -> Result<(), Failure> {
    object.retain(|_, value| !value.is_null());
    let Some(properties) = schema["properties"].as_object() else { return Ok(()) };
    let closed = schema["additionalProperties"] == Value::Bool(false);
    for (key, value) in object.iter_mut() {
        match properties.get(key) {
            Some(property) => conform(value, property, &join(path, key))?,
            None if closed => {
                let names: Vec<&str> = properties.keys().map(String::as_str).collect();
                let allowed = if names.is_empty() { "no arguments".to_owned() } else { names.join(", ") };
                let failure =
                    Failure::invalid(join(path, &clip(key)), format!("There is no argument \"{}\".", clip(key)))
                        .allowed(allowed);
                return Err(suggest(failure, key, names.into_iter()));
            }
            None => {}
        }
    }
    for required in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if !object.contains_key(required) {
            let property = &properties[required];
            return Err(Failure::invalid(join(path, required), format!("{required} is missing."))
                .allowed(expectation(property, property["type"].as_str().unwrap_or("value"))));
        }
    }
    Ok(())
}

fn check_enum(value: &Value, schema: &Value, path: &str) -> Result<(), Failure> {
    let Some(allowed) = schema["enum"].as_array() else { return Ok(()) };
    if allowed.contains(value) {
        return Ok(());
    }
    let names: Vec<&str> = allowed.iter().filter_map(Value::as_str).collect();
    let failure = Failure::invalid(path, format!("{} is {}.", named(path), describe(value))).allowed(names.join(", "));
    Err(suggest(failure, value.as_str().unwrap_or_default(), names.into_iter()))
}

fn check_color(value: &Value, schema: &Value, path: &str) -> Result<(), Failure> {
    match value.as_str() {
        Some(text) if schema["format"] == "color" && Color::parse(text).is_none() => {
            Err(Failure::invalid(path, format!("\"{}\" is not a colour.", clip(text)))
                .allowed("a CSS colour, such as #ff8800, #ff880080, white or transparent"))
        }
        _ => Ok(()),
    }
}

fn check_bounds(value: &Value, schema: &Value, path: &str) -> Result<(), Failure> {
    let (measure, low, high) = match value {
        Value::Number(number) => (number.as_f64(), "minimum", "maximum"),
        Value::String(text) => (Some(count(text.chars().count())), "minLength", "maxLength"),
        Value::Array(items) => (Some(count(items.len())), "minItems", "maxItems"),
        _ => return Ok(()),
    };
    let Some(measure) = measure else { return Ok(()) };
    let under = schema[low].as_f64().is_some_and(|minimum| measure < minimum);
    let over = schema[high].as_f64().is_some_and(|maximum| measure > maximum);
    if !under && !over {
        return Ok(());
    }
    let what = match value {
        Value::String(_) => format!("{} has {measure} characters.", named(path)),
        Value::Array(_) => format!("{} has {measure} entries.", named(path)),
        other => format!("{} is {other}.", named(path)),
    };
    Err(Failure::invalid(path, what).allowed(expectation(schema, schema["type"].as_str().unwrap_or("value"))))
}

#[expect(clippy::cast_precision_loss, reason = "lengths of arguments are far below 2^52")]
fn count(length: usize) -> f64 {
    length as f64
}

fn coerce(value: &mut Value, kind: &str) {
    let parsed = match (kind, &*value) {
        ("integer", Value::Number(number)) => match number.as_f64() {
            #[expect(clippy::cast_possible_truncation, reason = "whole and within the range that f64 holds exactly")]
            Some(float) if !number.is_i64() && !number.is_u64() && float.fract() == 0.0 && float.abs() < 9e15 => {
                Some(Value::from(float as i64))
            }
            _ => None,
        },
        ("integer" | "number" | "boolean" | "array" | "object", Value::String(text)) => {
            serde_json::from_str::<Value>(text.trim()).ok().filter(|parsed| !parsed.is_string())
        }
        _ => None,
    };
    // One entry where a list is asked for is a list of one.
    let lone = kind == "array"
        && (value.is_object() || matches!(value, Value::String(text) if !text.trim().starts_with(['[', '{'])));
    let parsed = parsed.or_else(|| lone.then(|| Value::Array(vec![value.clone()])));
    if let Some(mut parsed) = parsed {
        if kind == "integer" && parsed.is_f64() {
            coerce(&mut parsed, kind);
        }
        if has_type(&parsed, kind) {
            *value = parsed;
        }
    }
}

fn has_type(value: &Value, kind: &str) -> bool {
    match kind {
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => true,
    }
}

fn expectation(schema: &Value, kind: &str) -> String {
    if let Some(allowed) = schema["enum"].as_array() {
        return allowed.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ");
    }
    let noun = match kind {
        "integer" => "a whole number",
        "number" => "a number",
        "boolean" => "true or false",
        "string" => "a string",
        "array" => "a list",
        "object" => "an object",
        other => other,
    };
    let bound = |low: &str, high: &str, between: &str| match (&schema[low], &schema[high]) {
        (Value::Null, Value::Null) => String::new(),
        (low, Value::Null) => format!(" of at least {low}"),
        (Value::Null, high) => format!(" of at most {high}"),
        (low, high) => format!(" {between} {low} to {high}"),
    };
    let (bounds, unit) = match kind {
        "integer" | "number" => (bound("minimum", "maximum", "from"), ""),
        "string" => (bound("minLength", "maxLength", "of"), " characters"),
        "array" => (bound("minItems", "maxItems", "of"), " entries"),
        _ => (String::new(), ""),
    };
    if bounds.is_empty() { noun.to_owned() } else { format!("{noun}{bounds}{unit}") }
}

fn describe(value: &Value) -> String {
    match value {
        Value::Null => "null".into(),
        Value::String(text) => format!("\"{}\"", clip(text)),
        Value::Array(_) => "a list".into(),
        Value::Object(_) => "an object".into(),
        other => other.to_string(),
    }
}

/// A caller's text as it may be repeated to them: short, and without control characters.
#[must_use]
pub fn clip(text: &str) -> String {
    const MOST: usize = 80;
    let mut clipped: String = text.chars().filter(|c| !c.is_control()).take(MOST).collect();
    if text.chars().count() > MOST {
        clipped.push('…');
    }
    clipped
}

fn suggest<'a>(failure: Failure, given: &str, known: impl Iterator<Item = &'a str>) -> Failure {
    let near = known
        .map(|name| (likeness(&given.to_lowercase(), name), name))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|(a, _), (b, _)| a.total_cmp(b));
    match near {
        Some((_, name)) => failure.next(format!("Did you mean \"{name}\"?")),
        None => failure,
    }
}

/// From 0 to 1. A name that holds the other as a whole, such as `output_format` for `format`, is near too.
fn likeness(given: &str, name: &str) -> f64 {
    if given.len() >= 4 && name.contains(given) { 0.9 } else { strsim::jaro_winkler(given, name) }
}

fn named(path: &str) -> &str {
    if path.is_empty() { "The argument object" } else { path }
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its schema matters")]
    struct Arguments {
        #[schemars(range(min = 1, max = 10))]
        n: u32,
        ratio: Option<f64>,
        on: Option<bool>,
        format: Option<crate::Format>,
        #[schemars(length(max = 2))]
        list: Option<Vec<u32>>,
    }

    fn conformed(mut value: Value) -> Result<Value, Failure> {
        conform(&mut value, &of::<Arguments>(), "").map(|()| value)
    }

    #[test]
    fn strings_and_nulls_become_what_was_meant() {
        let given = json!({"n": "3", "ratio": "1.5", "on": "true", "list": "[1, 2]", "format": null});
        assert_eq!(conformed(given).unwrap(), json!({"n": 3, "ratio": 1.5, "on": true, "list": [1, 2]}));
        assert_eq!(conformed(json!({"n": 3.0})).unwrap(), json!({"n": 3}));
        assert_eq!(conformed(json!({"n": 3, "format": "JPG"})).unwrap(), json!({"n": 3, "format": "jpg"}));
        let failure = conformed(json!({"n": 3, "list": "x"})).unwrap_err();
        assert_eq!(failure.argument.as_deref(), Some("list[0]"));
    }

    #[test]
    fn each_mistake_names_argument_and_allowed_values() {
        for (given, argument, allowed) in [
            (json!({}), "n", "a whole number from 1 to 10"),
            (json!({"n": 11}), "n", "a whole number from 1 to 10"),
            (json!({"n": "many"}), "n", "a whole number from 1 to 10"),
            (json!({"n": 1.5}), "n", "a whole number from 1 to 10"),
            (json!({"n": 1, "on": "perhaps"}), "on", "true or false"),
            (json!({"n": 1, "list": [1, 2, 3]}), "list", "a list of at most 2 entries"),
            (json!({"n": 1, "list": [1, "x"]}), "list[1]", "a whole number of at least 0"),
            (json!({"n": 1, "formt": "png"}), "formt", "n, ratio, on, format, list"),
        ] {
            let failure = conformed(given.clone()).unwrap_err();
            assert_eq!(failure.argument.as_deref(), Some(argument), "{given}");
            assert_eq!(failure.allowed.as_deref(), Some(allowed), "{given}");
        }
    }

    #[test]
    fn a_near_miss_is_suggested() {
        let failure = conformed(json!({"n": 1, "format": "webpp"})).unwrap_err();
        assert_eq!(failure.next.as_deref(), Some("Did you mean \"webp\"?"));
        let failure = conformed(json!({"n": 1, "form": "webp"})).unwrap_err();
        assert_eq!(failure.next.as_deref(), Some("Did you mean \"format\"?"));
    }

    #[test]
    fn what_is_published_has_no_foreign_formats_but_keeps_the_argument_format() {
        let schema = published(of::<Arguments>());
        assert!(schema["properties"]["n"].get("format").is_none());
        assert!(schema["properties"]["format"].is_object());
    }
}
