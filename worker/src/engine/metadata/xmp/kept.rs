//! Which properties go along with a result.

use common::recipe::Metadata;

use super::{
    Unreadable, descriptions, is_place,
    tree::{self, Element, Name, Node},
};

/// A value of this length without a space is not text: a small copy of the picture, a map of depths, a mask.
const OPAQUE_FROM_CHARS: usize = 1000;

/// The packet with the properties that the caller wants; `None` where none is left.
pub(crate) fn kept(packet: &[u8], policy: Metadata) -> Result<Option<String>, Unreadable> {
    if policy == Metadata::Strip {
        return Ok(None);
    }
    let mut root = tree::parse(packet).ok_or(Unreadable)?;
    prune(&mut root, policy, 0);
    let any = descriptions(&root).any(|description| {
        description.elements().next().is_some() || description.attributes.iter().any(|(name, _)| is_property(name))
    });
    Ok(any.then(|| tree::packet(&root)))
}

fn is_property(name: &Name) -> bool {
    !name.declares() && !matches!(name.space, "rdf" | "xml" | "x")
}

/// `depth` counts elements inside a property: 0 outside of all.
fn prune(element: &mut Element, policy: Metadata, depth: usize) {
    let inside = depth > 0;
    element.attributes.retain(|(name, value)| !is_property(name) || (stays(name, policy, inside) && !is_opaque(value)));
    element.children.retain_mut(|child| match child {
        Node::Text(text) => !is_opaque(text),
        Node::Element(child) => {
            let grammar = !inside && matches!(child.name.space, "rdf" | "x");
            if !grammar && !stays(&child.name, policy, inside) {
                return false;
            }
            prune(child, policy, if grammar { 0 } else { depth + 1 });
            true
        }
    });
}

fn is_opaque(text: &str) -> bool {
    text.len() >= OPAQUE_FROM_CHARS && !text.trim().contains(' ')
}

fn stays(name: &Name, policy: Metadata, inside: bool) -> bool {
    if is_stale(name) || (policy != Metadata::Keep && is_place(name)) {
        return false;
    }
    policy != Metadata::KeepCopyright || inside || is_of_rights(name)
}

/// What is not true of other pixels: how they are stored, small copies of them, where in them a face is, and a signed
/// history that ends before us.
fn is_stale(name: &Name) -> bool {
    match name.space {
        "tiff" => matches!(
            name.local.as_str(),
            "Orientation"
                | "ImageWidth"
                | "ImageLength"
                | "BitsPerSample"
                | "Compression"
                | "PhotometricInterpretation"
                | "SamplesPerPixel"
                | "PlanarConfiguration"
                | "YCbCrSubSampling"
                | "YCbCrPositioning"
        ),
        "exif" => matches!(
            name.local.as_str(),
            "PixelXDimension"
                | "PixelYDimension"
                | "ColorSpace"
                | "NativeDigest"
                | "MakerNote"
                | "SubjectArea"
                | "SubjectLocation"
                | "ComponentsConfiguration"
                | "CompressedBitsPerPixel"
        ),
        "photoshop" => matches!(name.local.as_str(), "ICCProfile" | "ColorMode"),
        "xmp" => name.local == "Thumbnails",
        "dcterms" => name.local == "provenance",
        "Iptc4xmpExt" => name.local == "ImageRegion",
        "xmpGImg" | "xmpNote" | "mwg-rs" | "MP" | "GImage" | "GDepth" => true,
        _ => false,
    }
}

/// Who made it, who owns it, who is to be named, and what others may do with it.
fn is_of_rights(name: &Name) -> bool {
    match name.space {
        "dc" => matches!(name.local.as_str(), "creator" | "rights" | "contributor" | "publisher"),
        "tiff" => matches!(name.local.as_str(), "Artist" | "Copyright"),
        "photoshop" => {
            matches!(
                name.local.as_str(),
                "Credit" | "Source" | "AuthorsPosition" | "Copyright" | "CopyrightFlag" | "URL"
            )
        }
        "Iptc4xmpCore" => name.local == "CreatorContactInfo",
        "Iptc4xmpExt" => matches!(name.local.as_str(), "ArtworkOrObject" | "DigitalSourceType"),
        "xmpRights" | "plus" | "cc" => true,
        _ => false,
    }
}
