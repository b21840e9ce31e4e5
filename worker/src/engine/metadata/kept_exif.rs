//! Which EXIF fields go along with a result, and what is corrected in them.

use common::recipe::Metadata;

use super::{
    carried::Wanted,
    fields::{self, Directory, Field, Fields, MAKER_NOTE, MAX_BYTES},
};

const ORIENTATION: u16 = 0x0112;
const DENSITY: [u16; 2] = [0x011a, 0x011b];
const DENSITY_UNIT: u16 = 0x0128;
const COLOUR_POSITION: u16 = 0x0213;
const COLOR_SPACE: u16 = 0xa001;
const PIXEL_WIDTH: u16 = 0xa002;
const PIXEL_HEIGHT: u16 = 0xa003;
const DEVICE_SETTINGS: u16 = 0xa40b;

/// Fields of the first directory that speak of the picture and not of how a file stores it (Exif 3.0 §4.6.5), with
/// those that Windows added: name, description, maker, model, orientation, density, program, date, artist, computer,
/// place of colours, rating, copyright, title, comment, author, keywords, subject.
const OF_IMAGE: [u16; 22] = [
    0x010d,
    0x010e,
    0x010f,
    0x0110,
    ORIENTATION,
    0x011a,
    0x011b,
    0x0128,
    0x0131,
    0x0132,
    0x013b,
    0x013c,
    COLOUR_POSITION,
    0x4746,
    0x4749,
    0x8298,
    0x9c9b,
    0x9c9c,
    0x9c9d,
    0x9c9e,
    0x9c9f,
    0xa436,
];

/// Artist, Copyright, XPAuthor; CameraOwnerName, Photographer.
const OF_RIGHTS: [u16; 5] = [0x013b, 0x8298, 0x9c9d, 0xa430, 0xa437];

/// Whether a field of the Exif directory is in the standard (Exif 3.0 §4.6.6), and still right when the pixels have
/// changed: not where the subject is, nor the name of a colour space, nor the way to directories and sound files.
fn is_of_exif(tag: u16) -> bool {
    const STALE: [u16; 4] = [0x9214, 0xa004, 0xa005, 0xa214];
    let standard = matches!(tag,
        0x829a | 0x829d | 0x8822 | 0x8824 | 0x8827..=0x8828 | 0x8830..=0x8835 | 0x9000..=0x9292 | 0x9400..=0x9405
        | 0xa000..=0xa004 | 0xa20b..=0xa217 | 0xa300..=0xa302 | 0xa401..=0xa40c | 0xa420 | 0xa430..=0xa43c
        | 0xa460..=0xa462 | 0xa500);
    standard && !STALE.contains(&tag)
}

/// The fields of `source` that the caller wants; `None` where none is left. The flag says that something did not fit.
pub(super) fn of(source: &[u8], wanted: &Wanted) -> Option<(Fields, bool)> {
    let rights = wanted.policy == Metadata::KeepCopyright;
    let mut fields = fields::read(source, MAX_BYTES - 256, |directory, tag| match directory {
        Directory::Image => {
            if rights {
                OF_RIGHTS.contains(&tag)
            } else {
                OF_IMAGE.contains(&tag)
            }
        }
        Directory::Exif => {
            if rights {
                OF_RIGHTS.contains(&tag)
            } else {
                is_of_exif(tag)
            }
        }
        Directory::Gps => wanted.policy == Metadata::Keep,
    })?;
    let opaque = wanted.policy != Metadata::Keep || wanted.redacted;
    fields.exif.retain(|field| match field.tag {
        // Nobody sees into it: it may say where the picture was taken, and it may hold a small copy of it.
        MAKER_NOTE => !opaque && !holds_picture(&field.value),
        DEVICE_SETTINGS => !opaque,
        _ => true,
    });
    if fields.is_empty() {
        return None;
    }
    correct(&mut fields, wanted);
    let cut = fields.cut;
    Some((fields, cut))
}

fn holds_picture(bytes: &[u8]) -> bool {
    memchr::memmem::find(bytes, b"\xff\xd8\xff").is_some() || memchr::memmem::find(bytes, b"\x89PNG").is_some()
}

/// What the source says of its pixels is not true of others.
fn correct(fields: &mut Fields, wanted: &Wanted) {
    let size = wanted.size;
    let numbers = [
        (ORIENTATION, 3, Some(u32::from(wanted.orientation))),
        // In the middle: that is how all our encoders average colours.
        (COLOUR_POSITION, 3, Some(1)),
        // Inches.
        (DENSITY_UNIT, 3, wanted.dpi.map(|_| 2)),
        (COLOR_SPACE, 3, wanted.srgb.then_some(1)),
        (PIXEL_WIDTH, 4, Some(size.width)),
        (PIXEL_HEIGHT, 4, Some(size.height)),
    ];
    for (tag, kind, number) in numbers {
        let Some(number) = number else { continue };
        let corrected = fields.number(tag, kind, number);
        for field in fields.image.iter_mut().chain(&mut fields.exif).filter(|field| field.tag == tag) {
            *field = Field { tag, ..corrected.clone() };
        }
    }
    if let Some(dpi) = wanted.dpi {
        let value = [dpi.into(), 1].map(|number| fields.number(0, 4, number).value).concat();
        for field in fields.image.iter_mut().filter(|field| DENSITY.contains(&field.tag)) {
            *field = Field { tag: field.tag, kind: 5, count: 1, value: value.clone(), origin: 0 };
        }
    }
}

/// Whether there is more in it than how to show the pixels.
pub(super) fn tells_anything(source: &[u8]) -> bool {
    const TO_SHOW: [u16; 5] = [ORIENTATION, COLOUR_POSITION, 0x011a, 0x011b, 0x0128];
    let read = fields::read(source, MAX_BYTES, |directory, tag| match directory {
        Directory::Image => OF_IMAGE.contains(&tag) && !TO_SHOW.contains(&tag),
        Directory::Exif | Directory::Gps => true,
    });
    read.is_some_and(|fields| fields.cut || !fields.is_empty())
}
