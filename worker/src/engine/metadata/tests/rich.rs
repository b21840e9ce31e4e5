//! Metadata as cameras and programs write it, all of it at once.

use common::Format;
use image::DynamicImage;

use crate::engine::fixtures;

/// Where [`exif`] has its maker note.
pub(super) const NOTE_AT: usize = 700;

/// The type and the bytes of a value.
type Value = (u16, Vec<u8>);

struct Writer {
    file: Vec<u8>,
    big_endian: bool,
}

impl Writer {
    fn short(&self, number: usize) -> Vec<u8> {
        let number = u16::try_from(number).unwrap();
        if self.big_endian { number.to_be_bytes() } else { number.to_le_bytes() }.to_vec()
    }

    fn long(&self, number: usize) -> Vec<u8> {
        let number = u32::try_from(number).unwrap();
        if self.big_endian { number.to_be_bytes() } else { number.to_le_bytes() }.to_vec()
    }

    fn number(&self, number: usize) -> Value {
        (4, self.long(number))
    }

    fn fraction(&self, above: usize, below: usize) -> Value {
        (5, [self.long(above), self.long(below)].concat())
    }

    fn place(&self) -> Value {
        (5, [self.fraction(48, 1).1, self.fraction(51, 1).1, self.fraction(30, 1).1].concat())
    }

    fn comment(&self, text: &str) -> Value {
        let wide: Vec<u8> = text.encode_utf16().flat_map(|unit| self.short(unit.into())).collect();
        (7, [b"UNICODE\0".to_vec(), wide].concat())
    }

    fn put(&mut self, at: usize, bytes: &[u8]) {
        self.file[at..at + bytes.len()].copy_from_slice(bytes);
    }

    /// A directory at `at`, its values right behind it; a maker note is at its own place.
    fn directory(&mut self, at: usize, fields: &[(u16, Value)], next: usize) {
        let mut values_at = at + 6 + 12 * fields.len();
        self.put(at, &self.short(fields.len()));
        for (index, (tag, (kind, value))) in fields.iter().enumerate() {
            let entry = at + 2 + 12 * index;
            let bytes = match kind {
                3 => 2,
                4 => 4,
                5 => 8,
                _ => 1,
            };
            let count = value.len() / bytes;
            self.put(entry, &[self.short((*tag).into()), self.short((*kind).into()), self.long(count)].concat());
            if value.len() <= 4 {
                self.put(entry + 8, value);
            } else if *tag == 0x927c {
                self.put(entry + 8, &self.long(NOTE_AT));
            } else {
                self.put(entry + 8, &self.long(values_at));
                self.put(values_at, value);
                values_at += value.len().next_multiple_of(2);
            }
        }
        self.put(at + 2 + 12 * fields.len(), &self.long(next));
    }
}

fn text(text: &str) -> Value {
    (2, [text.as_bytes(), b"\0"].concat())
}

/// An EXIF structure as a camera writes it, in both byte orders: who, with what, where, a maker note that must not move,
/// a directory that nobody needs, and a thumbnail with its own directory. The places of the directories are written out
/// by hand, with room between them.
pub(super) fn exif(big_endian: bool, orientation: u16, note: &[u8]) -> Vec<u8> {
    let mut writer = Writer { file: vec![0; NOTE_AT + note.len()], big_endian };
    writer.put(0, if big_endian { b"MM\0*" } else { b"II*\0" });
    writer.put(4, &writer.long(8));
    let image = [
        (0x0100, writer.number(4000)),
        (0x010e, text("A garden")),
        (0x010f, text("Maker")),
        (0x0112, (3, writer.short(orientation.into()))),
        (0x011a, writer.fraction(300, 1)),
        (0x011b, writer.fraction(300, 1)),
        (0x0128, (3, writer.short(2))),
        (0x013b, text("Ann Artist")),
        (0x8298, text("(c) Ann Artist")),
        (0x8769, writer.number(300)),
        (0x8825, writer.number(500)),
    ];
    writer.directory(8, &image, 640);
    let exif = [
        (0x829a, writer.fraction(1, 125)),
        (0x9003, text("2024:05:06 07:08:09")),
        (0x927c, (7, note.to_vec())),
        (0x9286, writer.comment("gr\u{fc}n")),
        (0xa001, (3, writer.short(0xffff))),
        (0xa002, writer.number(4000)),
        (0xa003, writer.number(3000)),
        (0xa005, writer.number(690)),
    ];
    writer.directory(300, &exif, 0);
    let gps = [(1, text("S")), (2, writer.place()), (3, text("W")), (4, writer.place())];
    writer.directory(500, &gps, 0);
    writer.directory(640, &[(0x0201, writer.number(672)), (0x0202, writer.number(12))], 0);
    writer.put(672, b"\xff\xd8\xffTHUMBNAIL");
    writer.put(NOTE_AT, note);
    writer.file
}

/// An XMP packet with rights, a place in three ways, a face, a small copy of the picture and a size.
pub(super) fn xmp() -> String {
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
pub(super) fn iptc() -> Vec<u8> {
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

/// A JPEG segment of Photoshop's resources with [`iptc`] in it.
fn with_iptc(jpeg: &[u8], iptc: &[u8]) -> Vec<u8> {
    let length = (iptc.len() as u32).to_be_bytes();
    let mut block = [b"Photoshop 3.0\x008BIM\x04\x25\0\0\0\0\0\x01x\x008BIM\x04\x04\0\0", &length[..], iptc].concat();
    block.resize(block.len() + iptc.len() % 2, 0);
    fixtures::with_segment(jpeg, 0xed, &block)
}

/// A JPEG with everything in it.
pub(super) fn jpeg(image: impl Into<DynamicImage>, orientation: u16) -> Vec<u8> {
    let jpeg = fixtures::file(image, Format::Jpeg);
    let jpeg = fixtures::with_icc(&jpeg, &moxcms::ColorProfile::new_display_p3().encode().unwrap());
    let c2pa = b"JP\0\x01\0\0\0\x01\0\0\0\x40jumb\0\0\0\x20jumdc2pa";
    let jpeg = fixtures::with_segment(&jpeg, 0xeb, c2pa);
    let jpeg = with_iptc(&jpeg, &iptc());
    let jpeg = with_xmp(&jpeg);
    with_exif(&jpeg, &exif(true, orientation, b"note of the maker"))
}

pub(super) fn with_exif(jpeg: &[u8], exif: &[u8]) -> Vec<u8> {
    fixtures::with_segment(jpeg, 0xe1, &[b"Exif\0\0", exif].concat())
}

pub(super) fn with_xmp(jpeg: &[u8]) -> Vec<u8> {
    fixtures::with_segment(jpeg, 0xe1, &[b"http://ns.adobe.com/xap/1.0/\0", xmp().as_bytes()].concat())
}
