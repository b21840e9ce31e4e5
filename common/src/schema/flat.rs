//! One object in the place of many that are told apart by their `op`.
//!
//! Clients put every schema into the model's context, and thirty variants that each describe `color` anew are more
//! than some take. What is published names each parameter once, with the steps that have it; the check keeps using
//! the variants, so a parameter in the wrong step is still refused, with its path.

use serde_json::{Map, Value};

/// A bound from here on says nothing of the step.
const A_LONG_SIDE: f64 = 16_384.0;

/// Replaces every choice of tagged objects within `schema`.
pub(super) fn flatten(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            if let Some(flat) = object.get("oneOf").and_then(Value::as_array).and_then(|variants| merged(variants)) {
                *schema = flat;
                return;
            }
            object.values_mut().for_each(flatten);
        }
        Value::Array(items) => items.iter_mut().for_each(flatten),
        _ => {}
    }
}

/// A parameter, and what it means in which steps.
struct Parameter {
    meanings: Vec<(String, Vec<String>)>,
    schema: Value,
}

impl Parameter {
    fn add(&mut self, op: &str, schema: &Value) {
        widen(&mut self.schema, schema);
        let meaning = schema["description"].as_str().map(first_sentence).unwrap_or_default();
        match self.meanings.iter_mut().find(|(known, _)| known == meaning) {
            Some((_, ops)) => ops.push(op.to_owned()),
            None => self.meanings.push((meaning.to_owned(), vec![op.to_owned()])),
        }
    }

    fn shown(mut self) -> Value {
        let meanings = self.meanings.iter().map(|(meaning, ops)| format!("{}: {meaning}", ops.join(", ")));
        shorten(&mut self.schema, 0);
        self.schema["description"] = meanings.collect::<Vec<_>>().join(". ").into();
        self.schema
    }
}

fn merged(variants: &[Value]) -> Option<Value> {
    let mut ops = Vec::new();
    let mut known: Vec<(String, Parameter)> = Vec::new();
    for variant in variants {
        let properties = variant["properties"].as_object()?;
        let op = properties.get("op")?["const"].as_str()?;
        ops.push(Value::from(op));
        for (name, schema) in properties.iter().filter(|(name, _)| *name != "op") {
            match known.iter_mut().find(|(known, _)| known == name) {
                Some((_, parameter)) => parameter.add(op, schema),
                None => {
                    let mut parameter = Parameter { meanings: Vec::new(), schema: schema.clone() };
                    parameter.add(op, schema);
                    known.push((name.clone(), parameter));
                }
            }
        }
    }
    let mut parameters = Map::new();
    parameters.insert("op".into(), serde_json::json!({"type": "string", "enum": ops}));
    parameters.extend(known.into_iter().map(|(name, parameter)| (name, parameter.shown())));
    Some(serde_json::json!({
        "type": "object", "properties": parameters, "required": ["op"], "additionalProperties": false
    }))
}

/// Lets `schema` take what `other` takes, too. What exactly goes with which step, the check knows.
fn widen(schema: &mut Value, other: &Value) {
    let bound = |key: &str, wider: fn(f64, f64) -> bool| match (schema[key].as_f64(), other[key].as_f64()) {
        (Some(own), Some(others)) if wider(others, own) => Some(other[key].clone()),
        (Some(_), Some(_)) => Some(schema[key].clone()),
        _ => None,
    };
    let bounds = [("minimum", bound("minimum", |a, b| a < b)), ("maximum", bound("maximum", |a, b| a > b))];
    let Some(object) = schema.as_object_mut() else { return };
    for (key, bound) in bounds {
        match bound {
            Some(bound) => object.insert(key.into(), bound),
            None => object.remove(key),
        };
    }
    if other["type"] == "number" && object.get("type").is_some_and(|kind| kind == "integer") {
        object.insert("type".into(), "number".into());
    }
    if let (Some(Value::Array(names)), Some(others)) = (object.get_mut("enum"), other["enum"].as_array()) {
        names.extend(others.iter().filter(|name| !names.contains(name)).cloned().collect::<Vec<_>>());
    }
}

/// Leaves out what the check and the documents say as well: defaults, counts, bounds that only say that no picture is
/// larger than some or smaller than one pixel, and the details of objects within.
fn shorten(schema: &mut Value, depth: usize) {
    let Some(object) = schema.as_object_mut() else { return };
    for key in ["default", "minItems", "maxItems", "minLength", "maxLength"] {
        object.remove(key);
    }
    let whole = object.get("type").is_some_and(|kind| kind == "integer");
    for key in ["minimum", "maximum"] {
        let Some(bound) = object.get(key).and_then(Value::as_f64) else { continue };
        if depth > 0 || bound >= A_LONG_SIDE || (whole && bound <= 1.0) {
            object.remove(key);
        } else if bound.fract() == 0.0 {
            #[expect(clippy::cast_possible_truncation, reason = "a small whole number")]
            object.insert(key.into(), (bound as i64).into());
        }
    }
    if depth > 0 {
        object.remove("description");
        object.remove("additionalProperties");
    }
    if let Some(items) = object.get_mut("items") {
        shorten(items, depth + 1);
    }
    for property in object.get_mut("properties").and_then(Value::as_object_mut).into_iter().flat_map(Map::values_mut) {
        shorten(property, depth + 1);
    }
}

fn first_sentence(text: &str) -> &str {
    text.split_once(". ").map_or(text, |(first, _)| first).trim_end_matches('.')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::{Recipe, Step, schema};

    #[test]
    fn every_step_and_parameter_is_there_once() {
        let strict = schema::of::<Vec<Step>>();
        let shown = schema::published(strict.clone());
        let items = &shown["items"];
        assert!(items.get("oneOf").is_none());
        assert_eq!(items["additionalProperties"], false);
        for variant in strict["items"]["oneOf"].as_array().unwrap() {
            let op = &variant["properties"]["op"]["const"];
            assert!(items["properties"]["op"]["enum"].as_array().unwrap().contains(op));
            for (name, parameter) in variant["properties"].as_object().unwrap() {
                let merged = &items["properties"][name];
                assert!(merged["type"] == parameter["type"] || merged["type"] == "number", "{op} {name}");
                for allowed in parameter["enum"].as_array().into_iter().flatten() {
                    assert!(merged["enum"].as_array().unwrap().contains(allowed), "{op} {name} {allowed}");
                }
                let within = |key: &str| match (merged[key].as_f64(), parameter[key].as_f64()) {
                    (Some(merged), Some(own)) if key == "minimum" => merged <= own,
                    (Some(merged), Some(own)) => merged >= own,
                    (None, _) => true,
                    (Some(_), None) => false,
                };
                assert!(within("minimum") && within("maximum"), "{op} {name}: {merged}");
                if name != "op" {
                    let text = merged["description"].as_str().unwrap();
                    let op = op.as_str().unwrap();
                    let said = text.split(". ").any(|part| {
                        let (ops, meaning) = part.split_once(": ").unwrap();
                        ops.split(", ").any(|name| name == op) && !meaning.is_empty()
                    });
                    assert!(said, "{op} {name}: {text}");
                }
            }
        }
    }

    #[test]
    fn the_check_stays_as_strict_as_each_step() {
        // sigma is published, and within its widest bounds; blur has narrower ones, and flip has none at all.
        for (steps, argument) in [
            (json!([{"op": "flip", "sigma": 1}]), "steps[0].sigma"),
            (json!([{"op": "sharpen", "sigma": 60}]), "steps[0].sigma"),
            (json!([{"op": "text", "text": "a", "gravity": "smart"}]), "steps[0].gravity"),
        ] {
            assert_eq!(Recipe::parse_steps(&steps).unwrap_err().argument.as_deref(), Some(argument));
        }
    }

    #[test]
    fn what_is_published_is_small() {
        let shown = schema::published(schema::of::<Vec<Step>>()).to_string();
        println!("{} bytes\n{shown}", shown.len());
        assert!(shown.len() < 5_400, "{} bytes: shorten what the parameters say of themselves", shown.len());
    }
}
