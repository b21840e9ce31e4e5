//! Where a picture was taken, as XMP has it from EXIF.

use common::report::Gps;

use super::{
    descriptions,
    tree::{self, Element},
};

/// Decimal degrees, where the packet has a latitude and a longitude that make sense.
pub(crate) fn place(packet: &[u8]) -> Option<Gps> {
    let root = tree::parse(packet)?;
    let value = |local: &str| descriptions(&root).find_map(|description| property(description, local));
    let latitude = degrees(&value("GPSLatitude")?, 'N', 'S', 90.0)?;
    let longitude = degrees(&value("GPSLongitude")?, 'E', 'W', 180.0)?;
    let below = value("GPSAltitudeRef").is_some_and(|reference| reference.trim() == "1");
    let altitude_m = value("GPSAltitude").and_then(|text| fraction(&text)).map(|m| if below { -m } else { m });
    Some(Gps { latitude, longitude, altitude_m })
}

fn property(description: &Element, local: &str) -> Option<String> {
    let attribute = description.attributes.iter().find(|(name, _)| name.is("exif", local));
    let element = || description.elements().find(|element| element.name.is("exif", local)).map(Element::text);
    attribute.map(|(_, value)| value.clone()).or_else(element)
}

/// `48,51.5N` or `48,51,30N` (XMP part 2, §1.2.7.4).
fn degrees(text: &str, positive: char, negative: char, most: f64) -> Option<f64> {
    let text = text.trim();
    let letter = text.chars().next_back()?.to_ascii_uppercase();
    let sign = match letter {
        letter if letter == positive => 1.0,
        letter if letter == negative => -1.0,
        _ => return None,
    };
    let mut degrees = 0.0;
    let mut unit = 1.0;
    for part in text.get(..text.len() - 1)?.split(',').take(3) {
        let part: f64 = part.trim().parse().ok()?;
        degrees += part / unit;
        unit *= 60.0;
    }
    ((0.0..=most).contains(&degrees)).then_some(degrees * sign)
}

/// `350/10` or `35`.
fn fraction(text: &str) -> Option<f64> {
    let (above, below) = text.trim().split_once('/').unwrap_or((text.trim(), "1"));
    let value = above.parse::<f64>().ok()? / below.parse::<f64>().ok()?;
    value.is_finite().then_some(value)
}
