//! What the documents take from the code: tables of settings, tools, steps and codes, and `.env.example`. This test
//! makes them anew and compares; `UPDATE=1` writes them.

use std::{collections::BTreeMap, env, fmt::Write as _, fs, path::Path};

use common::{FailureKind, Step, recipe::MAX_STEPS, schema};
use config::{Config, Surroundings, Variable, Way};
use serde_json::Value;

/// A document, the name of a part between its markers, and what belongs there.
type Part = (&'static str, &'static str, fn() -> String);

const PARTS: [Part; 6] = [
    ("README.md", "tools", tools),
    ("README.md", "steps", steps),
    ("docs/configuration.md", "settings", settings),
    ("docs/tools.md", "tool reference", tool_reference),
    ("docs/recipes.md", "step reference", step_reference),
    ("docs/recipes.md", "codes", codes),
];

#[test]
fn documents_agree_with_the_code() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut wanted = BTreeMap::from([(".env.example", config::dotenv(&variables()))]);
    for (document, part, make) in PARTS {
        let text = wanted.remove(document).unwrap_or_else(|| fs::read_to_string(root.join(document)).unwrap());
        wanted.insert(document, with_part(&text, document, part, &make()));
    }
    for (document, wanted) in wanted {
        let present = fs::read_to_string(root.join(document)).unwrap_or_default();
        if env::var_os("UPDATE").is_some_and(|value| value == "1") {
            fs::write(root.join(document), wanted).unwrap();
            continue;
        }
        let differs = || {
            let lines = present.lines().chain([""]).zip(wanted.lines().chain([""])).enumerate();
            lines.into_iter().find(|(_, (old, new))| old != new).map(|(index, (old, new))| (index + 1, old, new))
        };
        assert!(
            present == wanted,
            "{document} is not what the code says. First difference (line, there, wanted): {:?}. To write it anew: \
             UPDATE=1 tests/run test",
            differs()
        );
    }
}

/// `text` with `content` between the markers of `part`.
fn with_part(text: &str, document: &str, part: &str, content: &str) -> String {
    let (begin, end) = (format!("<!-- begin generated: {part} -->"), "<!-- end generated -->");
    let cut = text.split_once(&begin).and_then(|(before, rest)| Some((before, rest.split_once(end)?.1)));
    let Some((before, after)) = cut else { panic!("{document} needs the two lines\n{begin}\n{end}") };
    format!("{before}{begin}\n{}\n{end}{after}", content.trim_end())
}

/// Every variable with its default; nothing of this machine is in them.
fn variables() -> Vec<Variable> {
    let around = Surroundings {
        way: Way::Serve,
        start_dir: "/start".into(),
        home_dir: None,
        data_home: "/data".into(),
        cores: 1,
        read_file: |path| std::fs::read_to_string(path),
    };
    Config::read(&BTreeMap::new(), &around).unwrap().variables
}

fn settings() -> String {
    config::markdown(&variables())
}

fn tools() -> String {
    let mut table = String::from("| tool | what it does | does it change anything? |\n|---|---|---|\n");
    for tool in tool_list() {
        let hints = &tool["annotations"];
        let changes = match (hints["readOnlyHint"] == true, hints["destructiveHint"] == true) {
            (true, _) => "no",
            (_, true) => "yes, and may replace or stop something",
            _ => "yes",
        };
        let name = text(&tool["name"]);
        let (first, _) = text(&tool["description"]).split_once(". ").unwrap_or_default();
        let _ = writeln!(table, "| [`{name}`](docs/tools.md#{name}) | {}. | {changes} |", cell(first));
    }
    table
}

fn tool_reference() -> String {
    let mut reference = String::new();
    for tool in tool_list() {
        let hints = &tool["annotations"];
        let yes_no = |hint: &str| if hints[hint] == true { "yes" } else { "no" };
        let _ = writeln!(
            reference,
            "## {}\n\n{}. {}\n\nRead only: {}. Destructive: {}. Idempotent: {}. Open world: {}.\n",
            text(&tool["name"]),
            text(&tool["title"]),
            text(&tool["description"]),
            yes_no("readOnlyHint"),
            yes_no("destructiveHint"),
            yes_no("idempotentHint"),
            yes_no("openWorldHint"),
        );
        reference += "| argument | may be | meaning |\n|---|---|---|\n";
        rows(&mut reference, "", &tool["inputSchema"], true);
        reference += "\n| field of the result | is | meaning |\n|---|---|---|\n";
        rows(&mut reference, "", &tool["outputSchema"], false);
        reference.push('\n');
    }
    reference
}

fn steps() -> String {
    let mut table = String::from("| `op` | what it does | parameters |\n|---|---|---|\n");
    for step in step_schemas() {
        let parameters =
            parameters(&step).map(|(name, schema)| format!("`{name}` {}", may_be(schema, needed(&step, name))));
        let parameters: Vec<String> = parameters.collect();
        let parameters = if parameters.is_empty() { "none".to_owned() } else { parameters.join("; ") };
        let _ = writeln!(table, "| `{}` | {} | {parameters} |", op(&step), cell(text(&step["description"])));
    }
    table
}

fn step_reference() -> String {
    let mut reference = String::new();
    for step in step_schemas() {
        let _ = writeln!(reference, "### {}\n\n{}\n", op(&step), text(&step["description"]));
        let mut table = String::new();
        for (name, schema) in parameters(&step) {
            let _ = writeln!(
                table,
                "| `{name}` | {} | {} |",
                may_be(schema, needed(&step, name)),
                cell(text(&schema["description"]))
            );
        }
        if table.is_empty() {
            reference += "It has no parameters.\n\n";
        } else {
            let _ = writeln!(reference, "| parameter | may be | meaning |\n|---|---|---|\n{table}");
        }
    }
    reference
}

fn codes() -> String {
    let schema = schemars::schema_for!(FailureKind).to_value();
    let mut table = String::from("| code | meaning |\n|---|---|\n");
    for code in schema["oneOf"].as_array().unwrap() {
        let _ = writeln!(table, "| `{}` | {} |", text(&code["const"]), cell(text(&code["description"])));
    }
    table
}

fn tool_list() -> Vec<Value> {
    let Value::Array(tools) = api::tool_list() else { panic!("the tools are no list") };
    tools
}

fn step_schemas() -> Vec<Value> {
    let Value::Array(steps) = schema::of::<Step>()["oneOf"].take() else { panic!("the steps are no list") };
    steps
}

fn op(step: &Value) -> &str {
    text(&step["properties"]["op"]["const"])
}

fn parameters(step: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let properties = step["properties"].as_object().unwrap();
    properties.iter().filter(|(name, _)| *name != "op").map(|(name, schema)| (name.as_str(), schema))
}

fn needed(object: &Value, name: &str) -> bool {
    object["required"].as_array().is_some_and(|names| names.iter().any(|required| required == name))
}

/// A row for each property of `schema`, and for those of the objects within, which are written with a dot.
fn rows(table: &mut String, prefix: &str, schema: &Value, arguments: bool) {
    for (name, property) in schema["properties"].as_object().unwrap() {
        let path = format!("{prefix}{name}");
        let kind = may_be(property, arguments && needed(schema, name));
        let _ = writeln!(table, "| `{path}` | {kind} | {} |", cell(text(&property["description"])));
        for (inner, suffix) in [(property, "."), (&property["items"], "[].")] {
            // What a step may hold is told by the recipes.
            if name != "steps" && inner["properties"].is_object() {
                rows(table, &format!("{path}{suffix}"), inner, arguments);
            }
        }
    }
}

/// What a schema allows, as a person reads it.
fn may_be(schema: &Value, needed: bool) -> String {
    let bound = |low: &str, high: &str, unit: &str| match (&schema[low], &schema[high]) {
        (Value::Null, Value::Null) => String::new(),
        (low, Value::Null) => format!(", at least {}{unit}", number(low)),
        (Value::Null, high) => format!(", at most {}{unit}", number(high)),
        (low, high) => format!(", {} to {}{unit}", number(low), number(high)),
    };
    let names = |schema: &Value| {
        let names = schema["enum"].as_array()?.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ");
        Some(names)
    };
    let kind = match text(&schema["type"]) {
        _ if schema["format"] == "color" => "a CSS colour".to_owned(),
        "string" => names(schema).unwrap_or_else(|| format!("text{}", bound("minLength", "maxLength", " characters"))),
        "boolean" => "true, false".to_owned(),
        "integer" => format!("whole number{}", bound("minimum", "maximum", "")),
        "number" => format!("number{}", bound("minimum", "maximum", "")),
        "array" => {
            let of = match &schema["items"] {
                items if items["properties"]["op"].is_object() => " of steps".to_owned(),
                items if items["enum"].is_array() => format!(" of {}", names(items).unwrap_or_default()),
                items if items["type"] == "string" => " of texts".to_owned(),
                _ => " of objects".to_owned(),
            };
            format!("list{of}{}", bound("minItems", "maxItems", ""))
        }
        _ => "object".to_owned(),
    };
    let remark = match &schema["default"] {
        _ if needed => " (required)".to_owned(),
        Value::Null => String::new(),
        Value::String(default) => format!(" (default {default})"),
        default => format!(" (default {})", number(default)),
    };
    cell(&format!("{kind}{remark}"))
}

/// 250.0 is 250.
fn number(value: &Value) -> String {
    value.to_string().trim_end_matches(".0").to_owned()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// Text that breaks no table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

#[test]
fn the_documents_name_the_limit_of_steps() {
    let recipes = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/recipes.md");
    assert!(
        fs::read_to_string(recipes).unwrap().contains(&format!("at most {MAX_STEPS} steps")),
        "docs/recipes.md does not say that a recipe has at most {MAX_STEPS} steps"
    );
}
