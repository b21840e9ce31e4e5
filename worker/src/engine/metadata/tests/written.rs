//! What of the metadata arrives in a file, asked of others: the decoders of `image` take the blocks out, kamadak-exif
//! reads EXIF. XMP and IPTC are searched as text.

use std::io::Cursor;

use common::{
    Format, Recipe,
    recipe::{ColorSpace, Metadata, Output},
};
use exif::{Context, Exif, In, Tag, Value};
use image::{DynamicImage, ImageDecoder, ImageReader};

use super::rich;
use crate::engine::{Options, Transformed, fixtures};

const FORMATS: [Format; 4] = [Format::Jpeg, Format::Png, Format::Webp, Format::Tiff];
const POLICIES: [Metadata; 4] = [Metadata::Strip, Metadata::Keep, Metadata::KeepCopyright, Metadata::StripGps];

/// What another program finds in a file.
struct Seen {
    exif: Option<Exif>,
    xmp: Option<String>,
    iptc: Option<Vec<u8>>,
    icc: Option<Vec<u8>>,
    image: DynamicImage,
}

fn seen(file: &[u8]) -> Seen {
    let mut decoder = ImageReader::new(Cursor::new(file)).with_guessed_format().unwrap().into_decoder().unwrap();
    let parse = |exif| exif::Reader::new().read_raw(exif).unwrap();
    if file.starts_with(b"II") {
        // A TIFF is an EXIF structure itself; the decoder has no room for blocks that are larger than the picture.
        let exif = parse(file.to_vec());
        let block = |tag| match &exif.get_field(Tag(Context::Tiff, tag), In::PRIMARY)?.value {
            Value::Byte(block) | Value::Undefined(block, _) => Some(block.clone()),
            _ => panic!("a block of another type"),
        };
        let xmp = block(700).map(|xmp| String::from_utf8(xmp).unwrap());
        let (iptc, icc) = (block(33_723), block(34_675));
        return Seen { xmp, iptc, icc, exif: Some(exif), image: DynamicImage::from_decoder(decoder).unwrap() };
    }
    Seen {
        exif: decoder.exif_metadata().unwrap().map(parse),
        xmp: decoder.xmp_metadata().unwrap().map(|xmp| String::from_utf8(xmp).unwrap()),
        iptc: decoder.iptc_metadata().unwrap(),
        icc: decoder.icc_profile().unwrap(),
        image: DynamicImage::from_decoder(decoder).unwrap(),
    }
}

impl Seen {
    fn exif(&self, tag: Tag) -> Option<String> {
        let field = self.exif.as_ref()?.get_field(tag, In::PRIMARY)?;
        Some(field.display_value().to_string())
    }

    fn number(&self, tag: Tag) -> Option<u32> {
        self.exif.as_ref()?.get_field(tag, In::PRIMARY)?.value.get_uint(0)
    }
}

fn made(input: &[u8], steps: &str, output: Output) -> Transformed {
    let recipe = Recipe { output, ..fixtures::recipe(steps, None) };
    fixtures::engine().transform(input, &recipe, &Options::default(), &fixtures::stop()).unwrap()
}

fn with(format: Format, metadata: Metadata) -> Output {
    Output { format: Some(format), metadata, quality: Some(90), ..Output::default() }
}

#[test]
fn every_policy_in_every_format() {
    let source = rich::jpeg(fixtures::photo(60, 40), 6);
    for format in FORMATS {
        for policy in POLICIES {
            let result = made(&source, "[]", with(format, policy));
            let seen = seen(&result.bytes);
            let what = format!("{policy:?} in {format:?}: {:?} {:?}", result.applied, result.ignored);
            let keeps = matches!(policy, Metadata::Keep | Metadata::StripGps);
            let rights = policy != Metadata::Strip;
            assert_eq!(seen.exif(Tag::Copyright).is_some(), rights, "{what}");
            assert_eq!(seen.exif(Tag::Artist).is_some(), rights, "{what}");
            assert_eq!(seen.exif(Tag::ExposureTime).is_some(), keeps, "{what}");
            assert_eq!(seen.exif(Tag::ImageDescription).is_some(), keeps, "{what}");
            assert_eq!(seen.exif(Tag::GPSLatitude).is_some(), policy == Metadata::Keep, "{what}");
            assert_eq!(
                seen.exif(Tag::MakerNote).is_some(),
                policy == Metadata::Keep && format != Format::Tiff,
                "{what}"
            );
            let xmp = seen.xmp.clone().unwrap_or_default();
            assert_eq!(xmp.contains("<rdf:li>Bob</rdf:li>"), rights, "{what}");
            assert_eq!(xmp.contains("rights:Marked=\"True\""), rights, "{what}");
            assert_eq!(xmp.contains("A &lt;garden&gt; &amp; more"), keeps, "{what}");
            assert_eq!(xmp.to_lowercase().contains(":gpsl"), policy == Metadata::Keep, "{what}");
            assert_eq!(xmp.contains("Paris"), keeps, "{what}");
            let holds_iptc = matches!(format, Format::Jpeg | Format::Tiff);
            let iptc = seen.iptc.clone().unwrap_or_default();
            let iptc = String::from_utf8_lossy(&iptc);
            assert_eq!(iptc.contains("(c) Ann"), rights && holds_iptc, "{what}");
            assert_eq!(iptc.contains("leaf"), keeps && holds_iptc, "{what}");
            assert_eq!(
                result.ignored.iter().any(|line| line.ends_with("written without IPTC")),
                rights && !holds_iptc,
                "{what}"
            );
            assert!(seen.icc.is_none(), "{what}");
            // Nothing that shows the picture as it was, and nothing that belongs to other pixels.
            assert!(!result.bytes.windows(9).any(|bytes| bytes == b"THUMBNAIL"), "{what}");
            for gone in ["tiff:Orientation", "PixelXDimension", "Regions", "QUJD", "Thumbnails"] {
                assert!(!xmp.contains(gone), "{gone}: {what}");
            }
            assert_eq!(result.warnings.iter().filter(|warning| warning.code == "c2pa_dropped").count(), 1, "{what}");
            assert!(!result.bytes.windows(4).any(|bytes| bytes == b"c2pa"), "{what}");
            assert_eq!((seen.image.width(), seen.image.height()), (40, 60), "{what}");
        }
    }
}

#[test]
fn what_is_kept_is_true_of_the_new_pixels() {
    for format in FORMATS {
        let source = rich::jpeg(fixtures::photo(60, 40), 6);
        let resized = made(&source, r#"[{"op":"resize","width":20}]"#, with(format, Metadata::Keep));
        let seen = seen(&resized.bytes);
        assert_eq!(seen.number(Tag::Orientation), Some(1), "{format:?}");
        assert_eq!(seen.number(Tag::PixelXDimension), Some(20), "{format:?}");
        assert_eq!(seen.number(Tag::PixelYDimension), Some(30), "{format:?}");
        assert_eq!(seen.number(Tag::ColorSpace), Some(1), "{format:?}");
        // TIFF has a field of the same number, which is right.
        assert!(seen.number(Tag::ImageWidth).is_none_or(|width| width == 20), "{format:?}");
        assert!(seen.exif.as_ref().unwrap().fields().all(|field| field.ifd_num == In::PRIMARY), "{format:?}");
        let interop = |field: &exif::Field| field.tag.context() == Context::Interop;
        assert!(!seen.exif.as_ref().unwrap().fields().any(interop), "{format:?}");
    }
    // A density that was asked for is told once, not twice.
    for format in [Format::Jpeg, Format::Png] {
        let source = rich::jpeg(fixtures::photo(60, 40), 1);
        let made = made(&source, "[]", Output { dpi: Some(72), ..with(format, Metadata::Keep) });
        let seen = seen(&made.bytes);
        assert_eq!(seen.exif(Tag::XResolution).as_deref(), Some("72"), "{format:?}");
        assert_eq!(seen.exif(Tag::YResolution).as_deref(), Some("72"), "{format:?}");
    }
    // Pixels that were left as stored still need their orientation.
    let source = rich::jpeg(fixtures::photo(60, 40), 6);
    let raw = made(&source, r#"[{"op":"auto_orient","enabled":false}]"#, with(Format::Png, Metadata::StripGps));
    assert_eq!(seen(&raw.bytes).number(Tag::Orientation), Some(6));
    assert_eq!((raw.facts.width, raw.facts.height), (60, 40));
}

#[test]
fn a_way_through_all_formats_loses_nothing() {
    for big_endian in [true, false] {
        let jpeg = fixtures::file(fixtures::photo(60, 40), Format::Jpeg);
        let exif = rich::exif(big_endian, 1, b"note of the maker");
        let mut file = rich::with_exif(&jpeg, &exif);
        let first = seen(&made(&file, "[]", with(Format::Jpeg, Metadata::Keep)).bytes);
        for format in [Format::Png, Format::Webp, Format::Tiff, Format::Jpeg] {
            file = made(&file, "[]", with(format, Metadata::Keep)).bytes;
        }
        let last = seen(&file);
        for tag in [
            Tag::ImageDescription,
            Tag::Make,
            Tag::XResolution,
            Tag::ResolutionUnit,
            Tag::Artist,
            Tag::Copyright,
            Tag::ExposureTime,
            Tag::DateTimeOriginal,
            Tag::GPSLatitude,
            Tag::GPSLatitudeRef,
            Tag::GPSLongitude,
        ] {
            assert!(first.exif(tag).is_some() && last.exif(tag) == first.exif(tag), "{tag}: {:?}", last.exif(tag));
        }
        // The text of the comment is in the byte order of the structure, which TIFF has changed.
        let exif = last.exif.as_ref().unwrap();
        let comment = exif.get_field(Tag::UserComment, In::PRIMARY).unwrap();
        let Value::Undefined(comment, _) = &comment.value else { panic!("{comment:?}") };
        let letter = comment[8..].as_chunks::<2>().0[2];
        let letter = if exif.little_endian() { u16::from_le_bytes(letter) } else { u16::from_be_bytes(letter) };
        assert_eq!(letter, 0xfc);
    }
}

#[test]
fn maker_notes_stay_where_they_were_and_show_nothing() {
    let with_note = |note: &[u8]| {
        let exif = rich::exif(false, 1, note);
        let jpeg = fixtures::file(fixtures::photo(20, 20), Format::Jpeg);
        rich::with_exif(&jpeg, &exif)
    };
    let place = |file: &[u8], note: &[u8]| {
        let start = file.windows(6).position(|bytes| bytes == b"Exif\0\0").unwrap() + 6;
        file[start..].windows(note.len()).position(|bytes| bytes == note)
    };
    let plain = b"offsets count from the start of the file";
    let source = with_note(plain);
    let keep = |steps| made(&source, steps, with(Format::Jpeg, Metadata::Keep)).bytes;
    assert_eq!(place(&keep("[]"), plain), Some(rich::NOTE_AT));
    assert_eq!(place(&made(&source, "[]", with(Format::Jpeg, Metadata::StripGps)).bytes, plain), None);
    let redacted = keep(r#"[{"op":"redact","regions":[{"x":1,"y":1,"width":5,"height":5}]}]"#);
    assert_eq!(place(&redacted, plain), None, "what nobody sees into may show what was redacted");
    assert!(seen(&redacted).exif(Tag::Copyright).is_some());
    let picture = b"preview \xff\xd8\xff\xe0 of the picture";
    let kept = made(&with_note(picture), "[]", with(Format::Jpeg, Metadata::Keep)).bytes;
    assert_eq!(place(&kept, picture), None);
}

#[test]
fn colours_stay_in_their_profile_where_asked() {
    let source = rich::jpeg(fixtures::photo(60, 40), 1);
    let before = fixtures::decoded(&source);
    let profile = moxcms::ColorProfile::new_display_p3().encode().unwrap();
    for format in FORMATS {
        let output = Output { color: ColorSpace::Keep, lossless: true, ..with(format, Metadata::Strip) };
        let result = made(&source, "[]", Output { quality: Some(100), ..output.clone() });
        let seen = seen(&result.bytes);
        assert!(seen.icc.as_ref() == Some(&profile), "{format:?}");
        assert!(fixtures::engine().probe(&result.bytes).unwrap().has_icc, "{format:?}");
        assert!(fixtures::psnr(&before, &seen.image) > 40.0, "{format:?}");
        // Colours that became gray are written as the profile wants them.
        let gray = made(&source, r#"[{"op":"grayscale"}]"#, output);
        assert!(fixtures::decoded(&gray.bytes).color().has_color(), "{format:?}");
    }
    for format in [Format::Bmp, Format::Gif] {
        let result = made(&source, "[]", Output { color: ColorSpace::Keep, ..with(format, Metadata::Strip) });
        assert!(result.ignored.iter().any(|line| line.starts_with("color: ")), "{:?}", result.ignored);
        assert!(result.applied.iter().any(|line| line.ends_with("-> srgb")), "{:?}", result.applied);
    }
    let kept = made(&source, "[]", Output { color: ColorSpace::Keep, ..with(Format::Jpeg, Metadata::Keep) });
    assert_eq!(seen(&kept.bytes).number(Tag::ColorSpace), Some(0xffff), "EXIF says that it is not sRGB");
}

#[test]
fn a_profile_of_many_segments_and_alpha() {
    // A text in the profile makes it larger than two segments.
    let mut profile = moxcms::ColorProfile::new_display_p3();
    let text = "long ".repeat(20_000);
    profile.copyright = Some(moxcms::ProfileText::PlainString(text));
    let profile = profile.encode().unwrap();
    assert!(profile.len() > 2 * 65_535);
    let input = fixtures::png_with_icc(&fixtures::disc(40).into(), profile.clone());
    for format in FORMATS {
        let result = made(&input, "[]", Output { color: ColorSpace::Keep, ..with(format, Metadata::Strip) });
        let seen = seen(&result.bytes);
        assert!(seen.icc.as_ref() == Some(&profile), "{format:?}");
        assert_eq!(seen.image.color().has_alpha(), format != Format::Jpeg, "{format:?}");
    }
}
