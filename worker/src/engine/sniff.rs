//! The format, told by the first bytes and never by a name.

use common::{Failure, FailureKind, Format};

use super::codec;

/// Formats that people send and this server cannot read, so that the refusal can name them.
const FOREIGN: [(usize, &[u8], &str); 14] = [
    (4, b"ftyphei", HEIC),
    (4, b"ftyphev", HEIC),
    (4, b"ftypmif1", HEIC),
    (4, b"ftypmsf1", HEIC),
    (4, b"ftyp", "a video"),
    (0, b"\0\0\0\x0cJXL ", "JPEG XL"),
    (0, b"\xff\x0a", "JPEG XL"),
    (0, b"\0\0\0\x0cjP  ", "JPEG 2000"),
    (0, b"8BPS", "Photoshop"),
    (0, b"%PDF", "PDF"),
    (0, b"<?xml", "XML, but no SVG"),
    (0, b"\x1f\x8b", "gzip, perhaps a compressed SVG"),
    (0, b"DDS ", "DDS"),
    (0, b"PK\x03\x04", "a ZIP archive"),
];

/// What iPhones write. What decodes it is under the AGPL, or needs libheif, C++ and cmake.
const HEIC: &str = "HEIC";

const HEIC_NEXT: &str = "Send it as JPEG: an iPhone does so by itself with Settings > Camera > Formats > Most Compatible, \
    and when Photos exports or shares a picture as JPEG.";

/// The format of `input`.
///
/// # Errors
/// `unsupported_format` with the formats that can be read.
pub(crate) fn format_of(input: &[u8]) -> Result<Format, Failure> {
    known(input).ok_or_else(|| {
        let at = |offset: usize| input.get(offset..).unwrap_or_default();
        let foreign = FOREIGN.iter().find(|(offset, magic, _)| at(*offset).starts_with(magic));
        let message = match foreign {
            _ if input.is_empty() => "The file is empty.".to_owned(),
            Some((.., name)) => format!("The file looks like {name}, which this server cannot read."),
            None => "The bytes are no image format that this server reads.".to_owned(),
        };
        let names: Vec<&str> = Format::ALL.iter().map(|format| format.name()).collect();
        let next = match foreign {
            Some((.., HEIC)) => HEIC_NEXT,
            _ => "Convert it to PNG or JPEG first.",
        };
        Failure::new(FailureKind::UnsupportedFormat, message).allowed(names.join(", ")).next(next)
    })
}

pub(super) fn known(input: &[u8]) -> Option<Format> {
    Some(match input {
        [0xff, 0xd8, 0xff, ..] => Format::Jpeg,
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Format::Png,
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Format::Webp,
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Format::Gif,
        [b'I', b'I', 42 | 43, 0, ..] | [b'M', b'M', 0, 42 | 43, ..] => Format::Tiff,
        [b'B', b'M', _, _, _, _, ..] => Format::Bmp,
        [0, 0, 1, 0, count, 0, ..] if *count > 0 => Format::Ico,
        [b'q', b'o', b'i', b'f', ..] => Format::Qoi,
        [b'P', b'1'..=b'7', b' ' | b'\t' | b'\r' | b'\n' | b'#', rest @ ..] if goes_on_as_pnm(rest) => Format::Pnm,
        [0x76, 0x2f, 0x31, 0x01, ..] => Format::Exr,
        _ if input.starts_with(b"#?RADIANCE") || input.starts_with(b"#?RGBE") => Format::Hdr,
        _ if codec::is_avif(input) => Format::Avif,
        _ if codec::is_svg(input) => Format::Svg,
        _ if looks_like_tga(input) => Format::Tga,
        _ => return None,
    })
}

/// Two letters begin many a text: behind them comes a number, a comment, or what PAM has.
fn goes_on_as_pnm(rest: &[u8]) -> bool {
    let rest = rest.trim_ascii_start();
    rest.first().is_none_or(|byte| byte.is_ascii_digit() || *byte == b'#') || rest.starts_with(b"WIDTH")
}

/// TGA has no magic number: a header in which every field makes sense has to do.
fn looks_like_tga(input: &[u8]) -> bool {
    let Some(header) = input.first_chunk::<18>() else { return false };
    let [_, palette, kind, _, _, _, _, entry, _, _, _, _, w0, w1, h0, h1, depth, descriptor] = *header;
    let sized = (w0 | w1) != 0 && (h0 | h1) != 0;
    let plain = matches!(kind, 2 | 3 | 10 | 11) && palette == 0 && matches!(depth, 8 | 16 | 24 | 32);
    let indexed = matches!(kind, 1 | 9) && palette == 1 && matches!(entry, 15 | 16 | 24 | 32) && depth == 8;
    sized && (plain || indexed) && descriptor & 0xc0 == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_name_what_it_is_and_what_can_be_read() {
        for (bytes, word) in [
            (&b"\0\0\0\x1cftypheic"[..], "HEIC"),
            (b"\0\0\0\x1cftypqt  ", "video"),
            (b"%PDF-1.7", "PDF"),
            (b"", "empty"),
            (b"hello world, this is text", "no image format"),
        ] {
            let failure = format_of(bytes).unwrap_err();
            assert_eq!(failure.kind, FailureKind::UnsupportedFormat);
            assert!(failure.message.contains(word), "{failure}");
            assert!(failure.allowed.unwrap().contains("webp"));
        }
    }
}
