//! XMP (ISO 16684-1): what it says, and which of it goes along with a result.

mod kept;
mod place;
mod tree;
mod values;

pub(crate) use self::{kept::kept, place::place, tree::MAX_BYTES, values::values};

use self::tree::{Element, Name};

/// A packet that is not whole, or larger or deeper than any program writes.
#[derive(Debug)]
pub(crate) struct Unreadable;

/// Whether a property tells a place on earth: by the names of EXIF, of the common vocabularies, and of drones, which
/// write the same under names of their own.
fn is_place(name: &Name) -> bool {
    let local = name.local.to_ascii_lowercase();
    ["gps", "latitude", "longitude", "altitude", "coordinate", "geohash", "geotag", "mapdatum"]
        .iter()
        .any(|word| local.contains(word))
        || ["lat", "lon", "lng", "long", "alt", "point", "poslist"].contains(&local.as_str())
            // The alternatives of a text.
            && name.space != "rdf"
}

/// The descriptions of a packet, each with properties as attributes and as elements.
fn descriptions(root: &Element) -> impl Iterator<Item = &Element> {
    let inner = root.elements().filter(|element| element.name.is("rdf", "RDF"));
    let outer = Some(root).filter(|root| root.name.is("rdf", "RDF"));
    outer
        .into_iter()
        .chain(inner)
        .flat_map(|rdf| rdf.elements().filter(|element| element.name.is("rdf", "Description")))
}
