//! Pictures for tests, made on the spot.

use std::{io::Cursor, time::Duration};

use common::{Failure, Format, Recipe, recipe::Output};
use image::{DynamicImage, GrayImage, ImageBuffer, Rgb, RgbImage, Rgba, RgbaImage};

use super::{
    Engine, Limits, Options, Stop, Transformed,
    codec::{self, Encoding},
    metadata::Carried,
    pixels,
};

pub(crate) fn stop() -> Stop {
    Stop::new(Duration::from_secs(120))
}

pub(crate) fn engine() -> Engine {
    Engine::new(Limits::default()).unwrap()
}

/// Waves of different lengths: smooth as a photograph, and different everywhere.
pub(crate) fn photo(width: u32, height: u32) -> RgbImage {
    let wave = |x: f32, y: f32, a: f32, b: f32| (127.5 + 110.0 * ((x * a).sin() * (y * b).cos())) as u8;
    RgbImage::from_fn(width, height, |x, y| {
        let (x, y) = (x as f32, y as f32);
        Rgb([wave(x, y, 0.05, 0.03), wave(x, y, 0.02, 0.07), wave(x + y, y, 0.04, 0.02)])
    })
}

/// An opaque red disc on nothing; what is invisible is green, which must never be seen.
pub(crate) fn disc(side: u32) -> RgbaImage {
    let middle = side as f32 / 2.0;
    RgbaImage::from_fn(side, side, |x, y| {
        let far = (x as f32 + 0.5 - middle).hypot(y as f32 + 0.5 - middle) > middle * 0.6;
        if far { Rgba([0, 255, 0, 0]) } else { Rgba([255, 0, 0, 255]) }
    })
}

/// 16 bits, with differences that 8 bits cannot hold.
pub(crate) fn deep(width: u32, height: u32) -> DynamicImage {
    ImageBuffer::<Rgb<u16>, _>::from_fn(width, height, |x, y| Rgb([(x * 257 + 3) as u16, (y * 101) as u16, 12_345]))
        .into()
}

pub(crate) fn gray(width: u32, height: u32) -> DynamicImage {
    GrayImage::from_fn(width, height, |x, y| image::Luma([(x * 3 + y) as u8])).into()
}

/// `image` as a file of `format`, of quality 95 where that counts.
pub(crate) fn file(image: impl Into<DynamicImage>, format: Format) -> Vec<u8> {
    let image = pixels::fit_to(format, image.into(), common::recipe::Color::WHITE);
    let encoding = Encoding { format, quality: 95, lossless: false, progressive: false };
    codec::encode(&image, &encoding, &Carried::default(), &stop()).unwrap()
}

pub(crate) fn png(image: impl Into<DynamicImage>) -> Vec<u8> {
    file(image, Format::Png)
}

pub(crate) fn decoded(bytes: &[u8]) -> DynamicImage {
    image::load_from_memory(bytes).unwrap()
}

/// Steps from JSON, checked.
pub(crate) fn steps(json: &str) -> Result<Vec<common::Step>, Failure> {
    Recipe::parse_steps(&serde_json::from_str(json).unwrap())
}

/// A recipe from JSON steps.
pub(crate) fn recipe(steps: &str, format: Option<Format>) -> Recipe {
    let steps = Recipe::parse_steps(&serde_json::from_str(steps).unwrap()).unwrap();
    Recipe { steps, output: Output { format, ..Output::default() } }
}

pub(crate) fn transform(input: &[u8], steps: &str, format: Option<Format>) -> Result<Transformed, Failure> {
    engine().transform(input, &recipe(steps, format), &Options::default(), &stop())
}

/// Does `steps` and gives the pixels, without loss.
pub(crate) fn run(image: impl Into<DynamicImage>, steps: &str) -> DynamicImage {
    decoded(&transform(&png(image), steps, Some(Format::Png)).unwrap().bytes)
}

/// Peak signal-to-noise ratio of two pictures of one kind and 8 bits, in dB.
pub(crate) fn psnr(one: &DynamicImage, other: &DynamicImage) -> f64 {
    assert_eq!((one.width(), one.height(), one.color()), (other.width(), other.height(), other.color()));
    let error: f64 = one.as_bytes().iter().zip(other.as_bytes()).map(|(a, b)| f64::from(a.abs_diff(*b)).powi(2)).sum();
    10.0 * (255.0 * 255.0 / (error / one.as_bytes().len() as f64).max(1e-9)).log10()
}

/// An EXIF structure (big-endian) with an orientation and a place: 48° 51' 30" S, 2° 17' 40" W, 35 m below.
pub(crate) fn exif(orientation: u16) -> Vec<u8> {
    let mut bytes = b"MM\0\x2a\0\0\0\x08".to_vec();
    let entry = |bytes: &mut Vec<u8>, tag: u16, kind: u16, count: u32, value: [u8; 4]| {
        bytes.extend(tag.to_be_bytes());
        bytes.extend(kind.to_be_bytes());
        bytes.extend(count.to_be_bytes());
        bytes.extend(value);
    };
    // The first directory: 2 entries, from 8 to 38. The GPS directory: 6 entries, from 38 to 116.
    bytes.extend(2_u16.to_be_bytes());
    let [high, low] = orientation.to_be_bytes();
    entry(&mut bytes, 0x0112, 3, 1, [high, low, 0, 0]);
    entry(&mut bytes, 0x8825, 4, 1, 38_u32.to_be_bytes());
    bytes.extend(0_u32.to_be_bytes());
    bytes.extend(6_u16.to_be_bytes());
    entry(&mut bytes, 1, 2, 2, *b"S\0\0\0");
    entry(&mut bytes, 2, 5, 3, 116_u32.to_be_bytes());
    entry(&mut bytes, 3, 2, 2, *b"W\0\0\0");
    entry(&mut bytes, 4, 5, 3, 140_u32.to_be_bytes());
    entry(&mut bytes, 5, 1, 1, [1, 0, 0, 0]);
    entry(&mut bytes, 6, 5, 1, 164_u32.to_be_bytes());
    bytes.extend(0_u32.to_be_bytes());
    for number in [48_u32, 1, 51, 1, 30, 1, 2, 1, 17, 1, 40, 1, 35, 1] {
        bytes.extend(number.to_be_bytes());
    }
    bytes
}

/// Where [`rich_exif`] has its maker note.
pub(crate) const NOTE_AT: usize = 700;

/// An EXIF structure as a camera writes it, in both byte orders: who, with what, where, a maker note that must not move,
/// a directory that nobody needs, and a thumbnail with its own directory.
pub(crate) fn rich_exif(big_endian: bool, orientation: u16, note: &[u8]) -> Vec<u8> {
    let short = |n: u16| if big_endian { n.to_be_bytes() } else { n.to_le_bytes() }.to_vec();
    let long = |n: usize| if big_endian { (n as u32).to_be_bytes() } else { (n as u32).to_le_bytes() }.to_vec();
    let fraction = |n: usize, d: usize| [long(n), long(d)].concat();
    let mut file = vec![0_u8; NOTE_AT + note.len()];
    file[..4].copy_from_slice(if big_endian { b"MM\0*" } else { b"II*\0" });
    file[4..8].copy_from_slice(&long(8));
    file[NOTE_AT..].copy_from_slice(note);
    let place = [fraction(48, 1), fraction(51, 1), fraction(30, 1)].concat();
    let text = |text: &str| (2_u16, [text.as_bytes(), b"\0"].concat());
    let comment = |text: &str| {
        let wide: Vec<u8> = text.encode_utf16().flat_map(short).collect();
        (7, [b"UNICODE\0".to_vec(), wide].concat())
    };
    // (where the directory is, its fields, the next one); places are written out by hand, with room between them.
    let tables: [(usize, Vec<(u16, (u16, Vec<u8>))>, usize); 4] = [
        (
            8,
            vec![
                (0x0100, (4, long(4000))),
                (0x010e, text("A garden")),
                (0x010f, text("Maker")),
                (0x0112, (3, short(orientation))),
                (0x011a, (5, fraction(300, 1))),
                (0x011b, (5, fraction(300, 1))),
                (0x0128, (3, short(2))),
                (0x013b, text("Ann Artist")),
                (0x8298, text("(c) Ann Artist")),
                (0x8769, (4, long(300))),
                (0x8825, (4, long(500))),
            ],
            640,
        ),
        (
            300,
            vec![
                (0x829a, (5, fraction(1, 125))),
                (0x9003, text("2024:05:06 07:08:09")),
                (0x927c, (7, note.to_vec())),
                (0x9286, comment("gr\u{fc}n")),
                (0xa001, (3, short(0xffff))),
                (0xa002, (4, long(4000))),
                (0xa003, (4, long(3000))),
                (0xa005, (4, long(690))),
            ],
            0,
        ),
        (500, vec![(1, text("S")), (2, (5, place.clone())), (3, text("W")), (4, (5, place))], 0),
        (640, vec![(0x0201, (4, long(672))), (0x0202, (4, long(12)))], 0),
    ];
    for (at, fields, next) in tables {
        let mut values_at = at + 6 + 12 * fields.len();
        let mut put = |at: usize, bytes: &[u8]| file[at..at + bytes.len()].copy_from_slice(bytes);
        put(at, &short(fields.len() as u16));
        for (index, (tag, (kind, value))) in fields.iter().enumerate() {
            let entry = at + 2 + 12 * index;
            let count = value.len()
                / match kind {
                    3 => 2,
                    4 => 4,
                    5 => 8,
                    _ => 1,
                };
            put(entry, &[short(*tag), short(*kind), long(count)].concat());
            if value.len() <= 4 {
                put(entry + 8, value);
            } else if *tag == 0x927c {
                put(entry + 8, &long(NOTE_AT));
            } else {
                put(entry + 8, &long(values_at));
                put(values_at, value);
                values_at += value.len().next_multiple_of(2);
            }
        }
        put(at + 2 + 12 * fields.len(), &long(next));
    }
    file[672..684].copy_from_slice(b"\xff\xd8\xffTHUMBNAIL");
    file
}

/// An XMP packet with rights, a place in three ways, a face, a small copy of the picture and a size.
pub(crate) fn rich_xmp() -> String {
    format!(
        r#"<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dcx="http://purl.org/dc/elements/1.1/" xmlns:exif="http://ns.adobe.com/exif/1.0/"
 xmlns:tiff="http://ns.adobe.com/tiff/1.0/" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:drone="http://drone.test/"
 xmlns:ext="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" xmlns:xmpGImg="http://ns.adobe.com/xap/1.0/g/img/"
 xmlns:rights="http://ns.adobe.com/xap/1.0/rights/" xmlns:mwg="http://www.metadataworkinggroup.com/schemas/regions/"
 tiff:Orientation="6" exif:PixelXDimension="4000" exif:GPSLatitude="48,51.5S" exif:GPSLongitude="2,17.666667W"
 xmp:Rating="4" drone:GpsLongtitude="2.29" rights:Marked="True">
<dcx:title><rdf:Alt><rdf:li xml:lang="de">Garten</rdf:li><rdf:li xml:lang="x-default">A &lt;garden&gt; &amp; more</rdf:li></rdf:Alt></dcx:title>
<dcx:creator><rdf:Seq><rdf:li>Ann</rdf:li><rdf:li>Bob</rdf:li></rdf:Seq></dcx:creator>
<ext:LocationShown><rdf:Bag><rdf:li rdf:parseType="Resource"><ext:City>Paris</ext:City><exif:GPSLatitude>48,51.5S</exif:GPSLatitude></rdf:li></rdf:Bag></ext:LocationShown>
<xmp:Thumbnails><rdf:Alt><rdf:li rdf:parseType="Resource"><xmpGImg:image>THUMBNAIL</xmpGImg:image></rdf:li></rdf:Alt></xmp:Thumbnails>
<mwg:Regions>a face</mwg:Regions><drone:Blob>{}</drone:Blob>
</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>"#,
        "QUJD\n".repeat(300)
    )
}

/// IPTC data sets: alphabet, title, keywords, author, copyright, caption, and a preview.
pub(crate) fn rich_iptc() -> Vec<u8> {
    let sets: [(u8, u8, &[u8]); 8] = [
        (1, 90, b"\x1b%G"),
        (2, 0, &[0, 4]),
        (2, 5, "Gr\u{fc}n".as_bytes()),
        (2, 25, b"leaf"),
        (2, 25, b"tree"),
        (2, 80, b"Ann Artist"),
        (2, 116, b"(c) Ann"),
        (2, 202, b"THUMBNAIL"),
    ];
    let set = |(record, number, value): &(u8, u8, &[u8])| {
        [&[0x1c, *record, *number], &(value.len() as u16).to_be_bytes()[..], value].concat()
    };
    sets.iter().flat_map(set).collect()
}

/// A JPEG segment of Photoshop's resources with [`rich_iptc`] in it.
pub(crate) fn with_iptc(jpeg: &[u8], iptc: &[u8]) -> Vec<u8> {
    let length = (iptc.len() as u32).to_be_bytes();
    let mut block = [b"Photoshop 3.0\x008BIM\x04\x25\0\0\0\0\0\x01x\x008BIM\x04\x04\0\0", &length[..], iptc].concat();
    block.resize(block.len() + iptc.len() % 2, 0);
    with_segment(jpeg, 0xed, &block)
}

/// A JPEG with everything in it.
pub(crate) fn rich_jpeg(image: impl Into<DynamicImage>, orientation: u16) -> Vec<u8> {
    let jpeg = file(image, Format::Jpeg);
    let jpeg = with_icc(&jpeg, &moxcms::ColorProfile::new_display_p3().encode().unwrap());
    let jpeg = with_segment(&jpeg, 0xeb, b"JP\0\x01\0\0\0\x01\0\0\0\x40jumb\0\0\0\x20jumdc2pa");
    let jpeg = with_iptc(&jpeg, &rich_iptc());
    let jpeg = with_segment(&jpeg, 0xe1, &[b"http://ns.adobe.com/xap/1.0/\0", rich_xmp().as_bytes()].concat());
    with_segment(&jpeg, 0xe1, &[b"Exif\0\0", &rich_exif(true, orientation, b"note of the maker")[..]].concat())
}

/// A JPEG segment.
fn segment(code: u8, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len() + 2).unwrap().to_be_bytes();
    [&[0xff, code], &length[..], payload].concat()
}

/// `jpeg` with a segment put in right behind its start.
pub(crate) fn with_segment(jpeg: &[u8], code: u8, payload: &[u8]) -> Vec<u8> {
    [&jpeg[..2], &segment(code, payload), &jpeg[2..]].concat()
}

pub(crate) fn with_exif(jpeg: &[u8], orientation: u16) -> Vec<u8> {
    with_segment(jpeg, 0xe1, &[b"Exif\0\0", &exif(orientation)[..]].concat())
}

pub(crate) fn with_icc(jpeg: &[u8], profile: &[u8]) -> Vec<u8> {
    with_segment(jpeg, 0xe2, &[b"ICC_PROFILE\0\x01\x01", profile].concat())
}

/// A PNG with a profile, of 8 or 16 bits.
pub(crate) fn png_with_icc(image: &DynamicImage, profile: Vec<u8>) -> Vec<u8> {
    use image::ImageEncoder;
    let mut output = Cursor::new(Vec::new());
    let mut encoder = image::codecs::png::PngEncoder::new(&mut output);
    encoder.set_icc_profile(profile).unwrap();
    encoder.write_image(image.as_bytes(), image.width(), image.height(), image.color().into()).unwrap();
    output.into_inner()
}
