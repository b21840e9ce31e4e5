//! The tools: one file each, and this list.

mod analyze_image;
mod batch_process;
mod cancel_job;
mod compare_images;
mod create_image;
mod delete_image;
mod describe_and_recreate;
mod edit_image;
mod extract_text;
mod generate_variations;
mod get_job;
mod get_usage;
mod image_metadata;
mod list_images;
mod moment;
mod prompt_from_image;
mod recipe;
mod transform_image;
mod wishes;

use std::sync::{Arc, LazyLock};

use common::{Failure, FailureKind, JobId, jobs::JobRecord, schema};
use futures::future::BoxFuture;
use rmcp::model::{JsonObject, Tool, ToolAnnotations};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{dispatch::Call, reply::Reply};
use crate::Scope;

static ALL: LazyLock<Vec<Entry>> = LazyLock::new(|| {
    vec![
        create_image::entry(),
        edit_image::entry(),
        generate_variations::entry(),
        transform_image::entry(),
        image_metadata::entry(),
        analyze_image::entry(),
        extract_text::entry(),
        compare_images::entry(),
        describe_and_recreate::entry(),
        prompt_from_image::entry(),
        batch_process::entry(),
        get_job::entry(),
        cancel_job::entry(),
        list_images::entry(),
        delete_image::entry(),
        get_usage::entry(),
    ]
});

/// Every tool.
pub(super) fn all() -> &'static [Entry] {
    &ALL
}

/// The tool called `name`.
pub(super) fn find(name: &str) -> Option<&'static Entry> {
    all().iter().find(|entry| entry.about.name == name)
}

/// What a tool says of itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct About {
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    /// What matters stands first: clients cut it.
    pub(super) description: &'static str,
    /// What a token must allow.
    pub(super) needs: &'static [Scope],
    /// It makes a job, which a worker must take.
    pub(super) works: bool,
    /// It changes nothing.
    pub(super) read_only: bool,
    /// It may replace or stop something.
    pub(super) destructive: bool,
    /// A second call with the same arguments changes nothing more.
    pub(super) idempotent: bool,
    /// It may ask servers that others run: those of an address, or of a model.
    pub(super) open_world: bool,
}

type Run = for<'a> fn(&'a Call, Value) -> BoxFuture<'a, Result<Reply, Failure>>;

/// A tool as it is listed and run.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) about: About,
    pub(super) tool: Tool,
    input: Value,
    run: Run,
}

impl Entry {
    /// A tool that takes `Arguments` and answers `Facts`.
    fn new<Arguments: JsonSchema, Facts: JsonSchema>(about: About, run: Run) -> Self {
        let mut input = schema::of::<Arguments>();
        // Here and not by serde, which cannot refuse unknown fields where structures are flattened.
        input["additionalProperties"] = false.into();
        // A tool without arguments takes an object all the same, and says so.
        if !input["properties"].is_object() {
            input["properties"] = Value::Object(JsonObject::new());
        }
        let annotations = ToolAnnotations::from_raw(
            Some(about.title.into()),
            Some(about.read_only),
            Some(about.destructive),
            Some(about.idempotent),
            Some(about.open_world),
        );
        let tool = Tool::new(about.name, about.description, shown(input.clone()))
            .with_title(about.title)
            .with_raw_output_schema(shown(schema::of::<Facts>()))
            .with_annotations(annotations);
        Self { about, tool, input, run }
    }

    /// Names the parameters of the steps only: what they mean stands at `transform_image`, in the same list of tools.
    fn with_brief_steps(mut self) -> Self {
        let schema = Arc::make_mut(&mut self.tool.input_schema);
        let steps =
            schema.get_mut("properties").and_then(|properties| properties.pointer_mut("/steps/items/properties"));
        for parameter in steps.and_then(Value::as_object_mut).into_iter().flat_map(|steps| steps.values_mut()) {
            if let Some(parameter) = parameter.as_object_mut() {
                parameter.remove("description");
            }
        }
        self
    }

    /// Checks the arguments and runs the tool.
    ///
    /// # Errors
    /// What is wrong with the arguments, or what went wrong.
    pub(super) async fn perform(&self, call: &Call, mut arguments: Value) -> Result<Reply, Failure> {
        schema::conform(&mut arguments, &self.input, "")?;
        (self.run)(call, arguments).await
    }
}

fn shown(schema: Value) -> Arc<JsonObject> {
    match schema::published(schema) {
        Value::Object(schema) => Arc::new(schema),
        _ => Arc::default(),
    }
}

/// Arguments that conform to their schema, as their type.
fn read<Arguments: DeserializeOwned>(arguments: Value) -> Result<Arguments, Failure> {
    serde_json::from_value(arguments).map_err(|error| Failure::invalid("arguments", error.to_string()))
}

/// The caller's own job.
async fn job_of(call: &Call, text: &str) -> Result<JobRecord, Failure> {
    let missing = || {
        let message = format!("There is no job \"{}\".", schema::clip(text));
        Failure::new(FailureKind::NotFound, message)
            .argument("job_id")
            .allowed("the job_id of an earlier result (job_…)")
            .next("list_images shows the job_id of every stored image.")
    };
    let id = JobId::parse(text.trim()).ok_or_else(missing)?;
    call.shared.stores.jobs.get(&call.caller.user, &id).await?.ok_or_else(missing)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::mcp::server::INSTRUCTIONS;

    #[test]
    fn every_tool_says_what_clients_need() {
        for Entry { about, tool, .. } in all() {
            let name = about.name;
            assert!(name.len() <= 32 && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{name}");
            assert!(tool.title.as_ref().is_some_and(|title| !title.is_empty()), "{name}");
            assert!((50..=1500).contains(&about.description.chars().count()), "{name}: {}", about.description.len());
            let hints = tool.annotations.as_ref().unwrap();
            for hint in [hints.read_only_hint, hints.destructive_hint, hints.idempotent_hint, hints.open_world_hint] {
                assert!(hint.is_some(), "{name}");
            }
            assert!(!(about.read_only && about.destructive), "{name}");
            assert!(tool.output_schema.is_some(), "{name}");
        }
        assert!(INSTRUCTIONS.chars().count() <= 1500, "{}", INSTRUCTIONS.chars().count());
    }

    #[test]
    fn every_schema_is_one_that_clients_take() {
        for Entry { about, tool, .. } in all() {
            let name = about.name;
            let input = Value::Object((*tool.input_schema).clone());
            let output = Value::Object((**tool.output_schema.as_ref().unwrap()).clone());
            assert!(input.to_string().len() <= 8192, "{name}: {}", input.to_string().len());
            for schema in [&input, &output] {
                assert_eq!(schema["type"], "object", "{name}");
                for combinator in ["oneOf", "anyOf", "allOf", "$ref", "$defs"] {
                    assert!(schema.get(combinator).is_none(), "{name}: {combinator}");
                }
                no_foreign_formats(schema, name);
                assert!(!schema.to_string().contains("\"null\""), "{name}");
            }
            assert_eq!(input["additionalProperties"], false, "{name}");
            for (argument, property) in input["properties"].as_object().unwrap() {
                assert!(property["description"].is_string(), "{name}: {argument} is not documented");
            }
            assert!(output.get("required").is_none(), "{name}: a hand-back lacks {}", output["required"]);
        }
    }

    fn no_foreign_formats(schema: &Value, name: &str) {
        match schema {
            Value::Object(object) => {
                assert!(!object.get("format").is_some_and(Value::is_string), "{name}: {schema}");
                object.values().for_each(|value| no_foreign_formats(value, name));
            }
            Value::Array(items) => items.iter().for_each(|item| no_foreign_formats(item, name)),
            _ => {}
        }
    }

    #[test]
    fn schemas_change_on_purpose_only() {
        for Entry { about, tool, .. } in all() {
            insta::assert_json_snapshot!(about.name, json!(tool));
        }
    }
}
