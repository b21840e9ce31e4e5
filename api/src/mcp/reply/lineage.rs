//! What an image was made from, and what was made from it.

use common::{Ancestor, Failure, ImageRecord, Lineage};
use schemars::JsonSchema;
use serde::Serialize;

use super::{
    Reply,
    images::{ListFacts, Listed, listed},
};
use crate::Shared;

/// An image that another was made from.
#[derive(Clone, Debug, JsonSchema, Serialize)]
#[schemars(inline)]
struct AncestorFacts {
    /// Its image_id, also of one that is deleted.
    id: String,
    /// True if it was deleted; then nothing else is known.
    deleted: Option<bool>,
    #[serde(flatten)]
    kept: Option<Listed>,
}

// What `list_images` answers where it is asked for a lineage. No documentation: it would become that of the tool.
#[derive(Clone, Debug, Default, JsonSchema, Serialize)]
pub(super) struct LineageFacts {
    /// Only with the argument lineage: the image it was asked of.
    image: Option<Listed>,
    /// Only with the argument lineage: what it was made from, the nearest first; at most 50. recipe and prompt say what
    /// was done at each step.
    ancestors: Option<Vec<AncestorFacts>>,
    /// Only with the argument lineage: what was made from it directly, newest first; at most 50.
    children: Option<Vec<Listed>>,
    /// True if there are more than are shown.
    more: Option<bool>,
}

/// Where an image comes from and what became of it.
pub(in crate::mcp) fn lineage(shared: &Shared, of: &ImageRecord, lineage: &Lineage) -> Result<Reply, Failure> {
    let ancestor = |ancestor: &Ancestor| match ancestor {
        Ancestor::Kept(record) => {
            AncestorFacts { id: record.id.to_string(), deleted: None, kept: Some(listed(shared, record)) }
        }
        Ancestor::Gone(id) => AncestorFacts { id: id.to_string(), deleted: Some(true), kept: None },
    };
    let facts = LineageFacts {
        image: Some(listed(shared, of)),
        ancestors: Some(lineage.ancestors.iter().map(ancestor).collect()),
        children: Some(lineage.children.iter().map(|record| listed(shared, record)).collect()),
        more: lineage.more.then_some(true),
    };
    let headline = format!(
        "{} was made in {} step(s) from what is listed as ancestors, nearest first; {} image(s) were made from it.",
        of.id,
        lineage.ancestors.len(),
        lineage.children.len()
    );
    Reply::of(&headline, &ListFacts::of_lineage(facts))
}
