//! XML as a tree, small and bounded: no document type, no entities beside the five of XML.

use quick_xml::{
    NsReader,
    events::{BytesStart, Event},
    name::{QName, ResolveResult},
};

/// The most bytes of a packet that is looked at.
pub(crate) const MAX_BYTES: usize = 1 << 20;

/// The most elements and attributes together.
const MAX_NODES: usize = 10_000;

/// How deep elements may stand in each other.
const MAX_DEPTH: usize = 32;

/// The namespaces that are known here, and the prefix by which they are known everywhere.
const SPACES: [(&str, &str); 26] = [
    ("adobe:ns:meta/", "x"),
    ("http://www.w3.org/1999/02/22-rdf-syntax-ns#", "rdf"),
    ("http://purl.org/dc/elements/1.1/", "dc"),
    ("http://purl.org/dc/terms/", "dcterms"),
    ("http://ns.adobe.com/xap/1.0/", "xmp"),
    ("http://ns.adobe.com/xap/1.0/rights/", "xmpRights"),
    ("http://ns.adobe.com/xap/1.0/mm/", "xmpMM"),
    ("http://ns.adobe.com/xap/1.0/g/img/", "xmpGImg"),
    ("http://ns.adobe.com/xmp/note/", "xmpNote"),
    ("http://ns.adobe.com/photoshop/1.0/", "photoshop"),
    ("http://ns.adobe.com/tiff/1.0/", "tiff"),
    ("http://ns.adobe.com/exif/1.0/", "exif"),
    ("http://cipa.jp/exif/1.0/", "exifEX"),
    ("http://ns.adobe.com/exif/1.0/aux/", "aux"),
    ("http://ns.adobe.com/camera-raw-settings/1.0/", "crs"),
    ("http://ns.adobe.com/lightroom/1.0/", "lr"),
    ("http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/", "Iptc4xmpCore"),
    ("http://iptc.org/std/Iptc4xmpExt/2008-02-29/", "Iptc4xmpExt"),
    ("http://ns.useplus.org/ldf/xmp/1.0/", "plus"),
    ("http://creativecommons.org/ns#", "cc"),
    ("http://www.metadataworkinggroup.com/schemas/regions/", "mwg-rs"),
    ("http://ns.microsoft.com/photo/1.0/", "MicrosoftPhoto"),
    ("http://ns.microsoft.com/photo/1.2/", "MP"),
    ("http://ns.google.com/photos/1.0/image/", "GImage"),
    ("http://ns.google.com/photos/1.0/depthmap/", "GDepth"),
    ("http://www.w3.org/XML/1998/namespace", "xml"),
];

/// The name of an element or attribute.
#[derive(Debug)]
pub(super) struct Name {
    /// As it stands in the file, with the prefix that the file chose.
    pub(super) written: String,
    /// The usual prefix of its namespace; empty for one that is not known here.
    pub(super) space: &'static str,
    /// Without prefix.
    pub(super) local: String,
}

#[derive(Debug)]
pub(super) struct Element {
    pub(super) name: Name,
    pub(super) attributes: Vec<(Name, String)>,
    pub(super) children: Vec<Node>,
}

#[derive(Debug)]
pub(super) enum Node {
    Element(Element),
    Text(String),
}

impl Name {
    pub(super) fn is(&self, space: &str, local: &str) -> bool {
        self.space == space && self.local == local
    }

    /// Whether it declares a namespace.
    pub(super) fn declares(&self) -> bool {
        self.written == "xmlns" || self.written.starts_with("xmlns:")
    }
}

impl Element {
    pub(super) fn elements(&self) -> impl Iterator<Item = &Self> {
        self.children.iter().filter_map(|child| match child {
            Node::Element(element) => Some(element),
            Node::Text(_) => None,
        })
    }

    /// The text that stands right in it.
    pub(super) fn text(&self) -> String {
        let texts = self.children.iter().filter_map(|child| match child {
            Node::Text(text) => Some(text.as_str()),
            Node::Element(_) => None,
        });
        texts.collect()
    }
}

/// Reads a packet; `None` where it is not whole, or larger or deeper than any program writes.
pub(super) fn parse(bytes: &[u8]) -> Option<Element> {
    let text = std::str::from_utf8(bytes.get(..bytes.len().min(MAX_BYTES + 1))?).ok()?;
    if text.len() > MAX_BYTES {
        return None;
    }
    let mut reader = NsReader::from_str(text.trim_matches(['\0', '\u{feff}']));
    let mut open: Vec<Element> = Vec::new();
    let mut left = MAX_NODES;
    loop {
        // Text that stands outside of everything is the padding of the packet.
        let say = |open: &mut Vec<Element>, text: &str| {
            if let Some(element) = open.last_mut() {
                element.say(text);
            }
        };
        match reader.read_event().ok()? {
            Event::Start(start) => {
                open.push(element(&reader, &start, &mut left).filter(|_| open.len() < MAX_DEPTH)?);
            }
            Event::Empty(start) => {
                let element = element(&reader, &start, &mut left)?;
                match open.last_mut() {
                    Some(parent) => parent.children.push(Node::Element(element)),
                    None => return Some(element),
                }
            }
            Event::End(_) => {
                let mut element = open.pop()?;
                element.without_padding();
                match open.last_mut() {
                    Some(parent) => parent.children.push(Node::Element(element)),
                    None => return Some(element),
                }
            }
            Event::Text(text) => say(&mut open, &text.decode().ok()?),
            Event::CData(text) => say(&mut open, &text.decode().ok()?),
            Event::GeneralRef(name) => {
                left = left.checked_sub(1)?;
                match name.resolve_char_ref().ok()? {
                    Some(character) => say(&mut open, character.encode_utf8(&mut [0; 4])),
                    None => say(&mut open, quick_xml::escape::resolve_xml_entity(&name.decode().ok()?)?),
                }
            }
            Event::DocType(_) | Event::Eof => return None,
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
        }
    }
}

impl Element {
    fn say(&mut self, text: &str) {
        match self.children.last_mut() {
            Some(Node::Text(before)) => before.push_str(text),
            _ => self.children.push(Node::Text(text.to_owned())),
        }
    }

    /// Drops the spaces between child elements.
    fn without_padding(&mut self) {
        if self.elements().next().is_some() {
            self.children.retain(|child| !matches!(child, Node::Text(text) if text.trim().is_empty()));
        }
    }
}

fn element(reader: &NsReader<&[u8]>, start: &BytesStart<'_>, left: &mut usize) -> Option<Element> {
    *left = left.checked_sub(1)?;
    let resolver = reader.resolver();
    let (space, _) = resolver.resolve_element(start.name());
    let mut element = Element { name: name(start.name(), &space)?, attributes: Vec::new(), children: Vec::new() };
    // The check for doubles would take the square of their number.
    for attribute in start.attributes().with_checks(false) {
        *left = left.checked_sub(1)?;
        let attribute = attribute.ok()?;
        let (space, _) = resolver.resolve_attribute(attribute.key);
        let value = quick_xml::escape::unescape(std::str::from_utf8(&attribute.value).ok()?).ok()?;
        element.attributes.push((name(attribute.key, &space)?, value.into_owned()));
    }
    Some(element)
}

fn name(name: QName<'_>, space: &ResolveResult<'_>) -> Option<Name> {
    let text = |bytes: &[u8]| Some(std::str::from_utf8(bytes).ok()?.to_owned());
    let known = match space {
        ResolveResult::Bound(space) => {
            SPACES.iter().find(|(uri, _)| uri.as_bytes() == space.0).map(|(_, known)| *known)
        }
        _ => None,
    };
    Some(Name {
        written: text(name.as_ref())?,
        space: known.unwrap_or_default(),
        local: text(name.local_name().as_ref())?,
    })
}

/// Writes it as a packet.
pub(super) fn packet(root: &Element) -> String {
    let mut text = String::from("<?xpacket begin=\"\u{feff}\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>\n");
    write(root, &mut text);
    text.push_str("\n<?xpacket end=\"w\"?>");
    text
}

fn write(element: &Element, text: &mut String) {
    text.push('<');
    text.push_str(&element.name.written);
    for (name, value) in &element.attributes {
        text.push(' ');
        text.push_str(&name.written);
        text.push_str("=\"");
        escape(value, text);
        text.push('"');
    }
    if element.children.is_empty() {
        text.push_str("/>");
        return;
    }
    text.push('>');
    for child in &element.children {
        match child {
            Node::Element(child) => write(child, text),
            Node::Text(words) => escape(words, text),
        }
    }
    text.push_str("</");
    text.push_str(&element.name.written);
    text.push('>');
}

/// Line ends as numbers, because attributes lose them otherwise; characters that XML cannot hold are left out.
fn escape(raw: &str, text: &mut String) {
    for character in raw.chars() {
        match character {
            '<' => text.push_str("&lt;"),
            '>' => text.push_str("&gt;"),
            '&' => text.push_str("&amp;"),
            '"' => text.push_str("&quot;"),
            '\n' => text.push_str("&#xA;"),
            '\r' => text.push_str("&#xD;"),
            '\t' => text.push_str("&#x9;"),
            '\u{fffe}' | '\u{ffff}' => {}
            other if other.is_control() => {}
            other => text.push(other),
        }
    }
}
