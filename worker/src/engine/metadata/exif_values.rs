//! EXIF values as text, and the place where a picture was taken.

use std::{
    collections::BTreeMap,
    fmt::{self, Write},
};

use super::directories;
use common::report::Gps;
use exif::{Context, Exif, Field, In, Reader, Tag, Value};

/// The most entries that are reported.
const MAX_ENTRIES: usize = 100;

/// The longest value that is reported, in characters.
const MAX_VALUE_CHARS: usize = 200;

/// Reads a TIFF structure as far as it can be read; not one whose values together are larger than any camera's.
pub(crate) fn parse(bytes: &[u8]) -> Option<Exif> {
    if !directories::is_modest(bytes) {
        return None;
    }
    match Reader::new().continue_on_error(true).read_raw(bytes.to_vec()) {
        Ok(exif) => Some(exif),
        Err(exif::Error::PartialResult(partial)) => Some(partial.into_inner().0),
        Err(_) => None,
    }
}

/// The values of the picture (not those of its thumbnail) by tag name. Where it was taken is told by [`gps`] alone, to
/// those who ask for it.
pub(crate) fn values(exif: &Exif) -> BTreeMap<String, String> {
    let mut values = BTreeMap::new();
    for field in exif.fields().filter(|field| field.ifd_num == In::PRIMARY && field.tag.context() != Context::Gps) {
        if values.len() >= MAX_ENTRIES {
            break;
        }
        let text = if field.tag == Tag::MakerNote {
            // Private to the maker, and large; that it is there may matter.
            "present".to_owned()
        } else {
            let mut text = Clipped { text: String::new(), left: MAX_VALUE_CHARS };
            // The error only says that the text was clipped.
            let _clipped = write!(text, "{}", field.display_value().with_unit(exif));
            text.text
        };
        values.insert(clip(&field.tag.to_string()), text);
    }
    values
}

fn clip(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(MAX_VALUE_CHARS).collect()
}

/// Takes in so many characters, and stops the writer then: a value may be as large as the file.
struct Clipped {
    text: String,
    left: usize,
}

impl Write for Clipped {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        for character in part.chars().filter(|c| !c.is_control()) {
            if self.left == 0 {
                return Err(fmt::Error);
            }
            self.left -= 1;
            self.text.push(character);
        }
        Ok(())
    }
}

/// Decimal degrees and metres, where the file has a latitude and a longitude that make sense.
pub(crate) fn gps(exif: &Exif) -> Option<Gps> {
    let field = |tag| exif.get_field(tag, In::PRIMARY);
    let degrees = |value, reference, negative, most: f64| {
        let degrees = sexagesimal(field(value)?)?;
        let sign = if first_letter(field(reference)?)? == negative { -1.0 } else { 1.0 };
        (degrees <= most).then_some(degrees * sign)
    };
    let latitude = degrees(Tag::GPSLatitude, Tag::GPSLatitudeRef, b'S', 90.0)?;
    let longitude = degrees(Tag::GPSLongitude, Tag::GPSLongitudeRef, b'W', 180.0)?;
    let below = field(Tag::GPSAltitudeRef).and_then(|field| field.value.get_uint(0)) == Some(1);
    let altitude_m =
        field(Tag::GPSAltitude).and_then(|field| rational(field, 0)).map(|metres| if below { -metres } else { metres });
    Some(Gps { latitude, longitude, altitude_m })
}

/// Degrees, minutes, seconds; the last two may be missing.
fn sexagesimal(field: &Field) -> Option<f64> {
    let part = |index| rational(field, index).unwrap_or(0.0);
    let degrees = rational(field, 0)? + part(1) / 60.0 + part(2) / 3600.0;
    (degrees.is_finite() && degrees >= 0.0).then_some(degrees)
}

fn rational(field: &Field, index: usize) -> Option<f64> {
    let value = match &field.value {
        Value::Rational(values) => values.get(index)?.to_f64(),
        // Against the standard, yet telephones write it.
        Value::SRational(values) => values.get(index)?.to_f64(),
        _ => return None,
    };
    Some(value).filter(|value| value.is_finite())
}

fn first_letter(field: &Field) -> Option<u8> {
    let Value::Ascii(texts) = &field.value else { return None };
    texts.first()?.first().map(u8::to_ascii_uppercase)
}
