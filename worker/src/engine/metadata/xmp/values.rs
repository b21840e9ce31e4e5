//! The properties as flat text.

use std::collections::BTreeMap;

use super::{
    descriptions, is_place,
    tree::{self, Element, Name},
};

/// The most properties that are reported, and the longest name and value in characters.
const MAX_ENTRIES: usize = 100;
const MAX_NAME_CHARS: usize = 100;
const MAX_VALUE_CHARS: usize = 200;

/// Properties by `prefix:name`, parts of a structure behind `/`. Where it was taken is left out: that is told to those
/// who ask for the place.
pub(crate) fn values(packet: &[u8]) -> BTreeMap<String, String> {
    let mut values = BTreeMap::new();
    let Some(root) = tree::parse(packet) else { return values };
    for description in descriptions(&root) {
        for (name, value) in &description.attributes {
            if is_property(name) && name.space != "rdf" {
                add(&mut values, &label("", name), value);
            }
        }
        for property in description.elements() {
            collect(&mut values, "", property);
        }
    }
    values
}

fn is_property(name: &Name) -> bool {
    !name.declares() && name.space != "xml" && !is_place(name)
}

fn label(path: &str, name: &Name) -> String {
    let shown = if name.space.is_empty() { name.written.clone() } else { format!("{}:{}", name.space, name.local) };
    if path.is_empty() { shown } else { format!("{path}/{shown}") }
}

fn collect(values: &mut BTreeMap<String, String>, path: &str, element: &Element) {
    if is_place(&element.name) || values.len() >= MAX_ENTRIES {
        return;
    }
    // Lists and descriptions are grammar, not names.
    let path = if element.name.space == "rdf" { path.to_owned() } else { label(path, &element.name) };
    let default_language =
        |item: &&Element| item.attributes.iter().any(|(name, value)| name.is("xml", "lang") && value == "x-default");
    for (name, value) in element.attributes.iter().filter(|(name, _)| is_property(name)) {
        match (name.space, name.local.as_str()) {
            ("rdf", "resource") => add(values, &path, value),
            ("rdf", _) => {}
            _ => add(values, &label(&path, name), value),
        }
    }
    if element.name.is("rdf", "Alt") {
        // The same in several languages.
        if let Some(item) = element.elements().find(default_language).or_else(|| element.elements().next()) {
            collect(values, &path, item);
        }
        return;
    }
    let text = element.text();
    if !text.trim().is_empty() {
        add(values, &path, text.trim());
    }
    for child in element.elements() {
        collect(values, &path, child);
    }
}

/// A second value of one name is joined to the first.
fn add(values: &mut BTreeMap<String, String>, name: &str, value: &str) {
    let plain = |text: &str, most: usize| text.chars().filter(|c| !c.is_control()).take(most).collect::<String>();
    let name = plain(name, MAX_NAME_CHARS);
    if let Some(before) = values.get_mut(&name) {
        let room = MAX_VALUE_CHARS.saturating_sub(before.chars().count() + 2);
        if room > 0 {
            before.push_str("; ");
            before.push_str(&plain(value, room));
        }
    } else if values.len() < MAX_ENTRIES {
        values.insert(name, plain(value, MAX_VALUE_CHARS));
    }
}
