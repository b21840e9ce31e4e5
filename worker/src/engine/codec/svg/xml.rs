//! What an SVG says, looked at before any reference in it is followed.

use std::collections::HashMap;

use common::{Failure, Format};
use resvg::usvg::roxmltree::{Document, Node, NodeId, ParsingOptions};

use super::too_much;
use crate::engine::codec::{unreadable, unsupported};

/// The longest text, in bytes.
const MAX_TEXT: usize = 16 * 1024 * 1024;

/// The most elements of the text, and the most once every reference is replaced by what it refers to.
const MAX_ELEMENTS: u64 = 100_000;

/// How deep elements and references may lie in each other: everything that walks over them is recursive.
const MAX_DEPTH: usize = 100;

/// What the elements take in memory at most.
pub(super) const MOST_BYTES: u64 = MAX_ELEMENTS * 1024;

/// Parses `text` and refuses what would grow.
pub(super) fn read(text: &str) -> Result<Document<'_>, Failure> {
    if text.len() > MAX_TEXT {
        return Err(too_much(&format!("it has more than {} MB", MAX_TEXT >> 20)));
    }
    if memchr::memmem::find(text.as_bytes(), b"<!ENTITY").is_some() {
        return Err(unsupported("SVG that declares entities is not read here.")
            .next("Save it as plain SVG, without <!ENTITY …>, and send it again."));
    }
    if depth(text) > MAX_DEPTH {
        return Err(too_much(&format!("its elements lie more than {MAX_DEPTH} deep in each other")));
    }
    // Attributes and texts are nodes, too.
    let options = ParsingOptions { allow_dtd: true, nodes_limit: 8 * MAX_ELEMENTS as u32, ..ParsingOptions::default() };
    let document = Document::parse_with_options(text, options).map_err(|error| {
        tracing::debug!(%error, "svg");
        unreadable(Format::Svg).next("Check the SVG in a browser: it is no well-formed XML.")
    })?;
    let elements = Count::of(&document).all()?;
    if elements > MAX_ELEMENTS {
        return Err(too_much(&format!("with everything it refers to it has more than {MAX_ELEMENTS} elements")));
    }
    Ok(document)
}

/// How deep tags lie in each other, counted roughly from above: what stands in comments and texts counts, too.
fn depth(text: &str) -> usize {
    let bytes = text.as_bytes();
    let (mut now, mut deepest) = (0_usize, 0);
    for at in memchr::memchr_iter(b'<', bytes) {
        match bytes.get(at + 1) {
            Some(b'/') => now = now.saturating_sub(1),
            Some(b'!' | b'?') | None => {}
            Some(_) => {
                let end = memchr::memchr(b'>', bytes.get(at..).unwrap_or_default()).map(|end| at + end);
                let closed = end.and_then(|end| bytes.get(end.checked_sub(1)?)) == Some(&b'/');
                if !closed {
                    now += 1;
                    deepest = deepest.max(now);
                }
            }
        }
    }
    deepest
}

/// Counts elements as if every reference were replaced by what it refers to.
struct Count<'a, 'input> {
    document: &'a Document<'input>,
    ids: HashMap<&'a str, Node<'a, 'input>>,
    /// What was counted already, with how deep it goes; `None` while it is being counted.
    known: HashMap<NodeId, Option<(u64, usize)>>,
}

impl<'a, 'input> Count<'a, 'input> {
    fn of(document: &'a Document<'input>) -> Self {
        let ids = document.descendants().filter_map(|node| Some((node.attribute("id")?, node))).collect();
        Self { document, ids, known: HashMap::new() }
    }

    fn all(mut self) -> Result<u64, Failure> {
        let shared: Vec<&str> = self
            .document
            .descendants()
            .filter(|node| node.has_tag_name("style") || node.tag_name().name() == "style")
            .flat_map(|node| references(node.text().unwrap_or_default()))
            .collect();
        let mut sheet = 0_u64;
        for id in shared {
            if let Some(node) = self.ids.get(id).copied()
                && !node.tag_name().name().ends_with("Gradient")
            {
                sheet = sheet.saturating_add(self.count(node, 0)?.0);
            }
        }
        let (all, _) = self.count(self.document.root_element(), 0)?;
        // A style sheet may give what it refers to to every element.
        Ok(all.saturating_mul(sheet.saturating_add(1)))
    }

    /// Elements from `node` on, and how deep they go; `above` are the ones it lies in.
    fn count(&mut self, node: Node<'a, 'input>, above: usize) -> Result<(u64, usize), Failure> {
        match self.known.get(&node.id()) {
            Some(Some((count, deep))) if above + deep <= MAX_DEPTH => return Ok((*count, *deep)),
            // What refers to itself is cut off there by resvg.
            Some(None) => return Ok((1, 1)),
            Some(Some(_)) => return Err(too_deep()),
            None if above >= MAX_DEPTH => return Err(too_deep()),
            None => {}
        }
        self.known.insert(node.id(), None);
        let (mut total, mut deepest) = (1_u64, 0);
        for child in node.children().filter(Node::is_element) {
            let (count, deep) = self.count(child, above + 1)?;
            (total, deepest) = (total.saturating_add(count), deepest.max(deep));
        }
        for attribute in node.attributes() {
            let value = attribute.value();
            let own = (attribute.name() == "href").then(|| value.trim().strip_prefix('#')).flatten();
            // A marker is drawn at every point of a line.
            let times =
                if attribute.name().starts_with("marker") || value.contains("marker") { points(node) } else { 1 };
            for id in own.into_iter().chain(references(value)) {
                let Some(target) = self.ids.get(id).copied() else { continue };
                let (count, deep) = self.count(target, above + 1)?;
                (total, deepest) = (total.saturating_add(count.saturating_mul(times)), deepest.max(deep));
            }
        }
        self.known.insert(node.id(), Some((total, deepest + 1)));
        Ok((total, deepest + 1))
    }
}

fn too_deep() -> Failure {
    too_much(&format!("with everything it refers to it is more than {MAX_DEPTH} elements deep"))
}

/// The ids in every `url(#id)`.
fn references(text: &str) -> impl Iterator<Item = &str> {
    text.split("url(").skip(1).filter_map(|rest| {
        let inside = rest.split(')').next()?.trim().trim_matches(['"', '\'']);
        inside.trim().strip_prefix('#')
    })
}

/// How many points the shapes of `node` may have, from above: a point has at least two characters and two separators.
fn points(node: Node<'_, '_>) -> u64 {
    let shapes = node.descendants().filter_map(|node| node.attribute("d").or_else(|| node.attribute("points")));
    shapes.map(|shape| shape.len() as u64 / 2).sum::<u64>().max(2)
}
