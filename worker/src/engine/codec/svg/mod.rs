//! SVG by resvg, with nothing from outside: no files, no addresses, no fonts of the system. Its text is in Open Sans.
//!
//! A drawing is a program: a few hundred bytes can ask for more than any computer has. What it asks for is counted
//! before it is done: [`xml`] counts elements before references are followed, [`cost`] counts pixels.

mod cost;
mod pictures;
mod xml;

use std::sync::{Arc, LazyLock};

use common::{Failure, FailureKind, Format};
use image::{DynamicImage, RgbaImage};
use resvg::{
    tiny_skia::{Pixmap, Transform},
    usvg::{Error, ImageHrefResolver, Options, Tree, fontdb::Database},
};

use super::{Decoded, unreadable};
use crate::engine::{
    Stop,
    lettering::FONT,
    probe::{ColorKind, Header, Probe},
};

/// Whether `input` begins as an SVG does. Only what may stand in front of the first element is skipped, so that a page
/// of HTML with a drawing in it is none.
pub(crate) fn is_svg(input: &[u8]) -> bool {
    let mut rest = input.strip_prefix(b"\xef\xbb\xbf").unwrap_or(input);
    loop {
        rest = rest.trim_ascii_start();
        let end: &[u8] = if rest.starts_with(b"<?") {
            b"?>"
        } else if rest.starts_with(b"<!--") {
            b"-->"
        } else if rest.starts_with(b"<!DOCTYPE svg") {
            // What declares entities may be inside; xml.rs refuses it, yet an SVG it is.
            return true;
        } else {
            break;
        };
        let Some(at) = memchr::memmem::find(rest, end) else { return false };
        rest = rest.get(at + end.len()..).unwrap_or_default();
    }
    let name = rest.strip_prefix(b"<svg:svg").or_else(|| rest.strip_prefix(b"<svg"));
    name.and_then(<[u8]>::first).is_some_and(|next| next.is_ascii_whitespace() || matches!(next, b'>' | b'/'))
}

/// Open Sans under every name.
static FONTS: LazyLock<Arc<Database>> = LazyLock::new(|| {
    const NAME: &str = "Open Sans";
    let mut fonts = Database::new();
    fonts.load_font_data(FONT.to_vec());
    fonts.set_serif_family(NAME);
    fonts.set_sans_serif_family(NAME);
    fonts.set_monospace_family(NAME);
    fonts.set_cursive_family(NAME);
    fonts.set_fantasy_family(NAME);
    Arc::new(fonts)
});

/// The drawing, every reference resolved.
fn tree(input: &[u8], resolver: ImageHrefResolver<'_>) -> Result<Tree, Failure> {
    let text = std::str::from_utf8(input)
        .map_err(|_| unreadable(Format::Svg).next("Save the SVG as UTF-8 and send it again."))?;
    let document = xml::read(text)?;
    let options = Options {
        font_family: "Open Sans".into(),
        fontdb: FONTS.clone(),
        image_href_resolver: resolver,
        ..Options::default()
    };
    Tree::from_xmltree(&document, &options).map_err(|error| {
        tracing::debug!(%error, "svg");
        match error {
            Error::ElementsLimitReached => too_much("it has too many elements"),
            _ => unreadable(Format::Svg),
        }
    })
}

/// The failure for a drawing that asks for more than is done here.
fn too_much(why: &str) -> Failure {
    Failure::new(FailureKind::TooLarge, format!("The SVG is too much to draw: {why}."))
        .next("Simplify the drawing, or make it a PNG with the program it was made with.")
}

/// Reads the whole drawing, because its size may follow from anything in it.
pub(super) fn header(input: &[u8]) -> Result<Header<'static>, Failure> {
    let nothing = ImageHrefResolver { resolve_data: Box::new(|_, _, _| None), resolve_string: Box::new(|_, _| None) };
    let size = tree(input, nothing)?.size();
    // More than any limit, where it is more than fits.
    let side = |length: f32| length.ceil().max(1.0) as u32;
    let probe = Probe {
        format: Format::Svg,
        width: side(size.width()),
        height: side(size.height()),
        orientation: 1,
        alpha: true,
        bit_depth: 8,
        color: ColorKind::Rgb,
        frames: 1,
        has_icc: false,
    };
    Ok(Header { probe, exif: None, icc: None })
}

/// Bytes a pixel that drawing needs beside the picture; [`cost`] refuses what would need more.
pub(super) fn scratch_bytes(input: &[u8], probe: &Probe) -> u64 {
    let fixed = (input.len() as u64).saturating_mul(20).saturating_add(cost::FIXED_BYTES + xml::MOST_BYTES);
    cost::LAYER_BYTES + fixed / probe.stored_size().pixels().max(1)
}

/// Draws.
pub(super) fn decode(input: &[u8], probe: &Probe, stop: &Stop) -> Result<Decoded, Failure> {
    let pictures = pictures::Pictures::new(stop);
    let tree = tree(input, pictures.resolver())?;
    stop.check()?;
    cost::check(&tree, probe.stored_size().pixels())?;
    let mut pixmap = Pixmap::new(probe.width, probe.height).ok_or_else(|| unreadable(Format::Svg))?;
    let scale = |pixels: u32, length: f32| pixels as f32 / length;
    let transform =
        Transform::from_scale(scale(probe.width, tree.size().width()), scale(probe.height, tree.size().height()));
    resvg::render(&tree, transform, &mut pixmap.as_mut());
    stop.check()?;
    let mut samples = pixmap.take();
    for pixel in samples.as_chunks_mut::<4>().0 {
        let alpha = u32::from(pixel[3]);
        if alpha > 0 && alpha < 255 {
            // Out of the weighting by alpha.
            for color in pixel.iter_mut().take(3) {
                *color = ((u32::from(*color) * 255 + alpha / 2) / alpha).min(255) as u8;
            }
        }
    }
    let image = RgbaImage::from_raw(probe.width, probe.height, samples).ok_or_else(|| unreadable(Format::Svg))?;
    let damage = pictures
        .left_out()
        .then_some("The SVG shows pictures that it does not hold, or broken ones; they are left out.");
    Ok(Decoded { image: DynamicImage::from(image), damage })
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use common::FailureKind;

    use super::*;
    use crate::engine::fixtures;

    fn drawn(inside: &str) -> Result<(RgbaImage, Vec<common::Warning>), Failure> {
        let svg = format!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="100" height="80">{inside}</svg>"#
        );
        let made = fixtures::transform(svg.as_bytes(), "[]", Some(Format::Png))?;
        Ok((fixtures::decoded(&made.bytes).into_rgba8(), made.warnings))
    }

    #[test]
    fn shapes_text_and_transparency_are_drawn() {
        let (image, warnings) = drawn(
            r##"<rect width="50" height="80" fill="#ff8000"/><rect x="50" width="50" height="40" fill="blue" opacity=".5"/>
                <text x="55" y="70" font-family="Nowhere, serif" font-size="20">Mi</text>"##,
        )
        .unwrap();
        assert!(warnings.is_empty());
        assert_eq!(image.get_pixel(10, 10).0, [255, 128, 0, 255]);
        let half = image.get_pixel(70, 20).0;
        assert!(half[3].abs_diff(128) <= 1 && half[2] >= 254 && half[0] == 0, "{half:?}");
        let ink = image.enumerate_pixels().filter(|(x, y, pixel)| *x > 50 && *y > 45 && pixel.0[3] > 128).count();
        assert!(ink > 60, "the text has {ink} dark pixels");
    }

    #[test]
    fn its_size_is_what_a_browser_makes_of_it() {
        for (attributes, size) in [
            (r#"width="40" height="30""#, (40, 30)),
            (r#"width="1in" height="72pt""#, (96, 96)),
            (r#"viewBox="0 0 64 32""#, (64, 32)),
            (r#"width="10.2" height="9.9" viewBox="0 0 1 1""#, (11, 10)),
        ] {
            let svg =
                format!(r#"<svg xmlns="http://www.w3.org/2000/svg" {attributes}><rect width="5" height="5"/></svg>"#);
            let probe = fixtures::engine().probe(svg.as_bytes()).unwrap();
            assert_eq!((probe.width, probe.height), size, "{attributes}");
        }
    }

    #[test]
    fn nothing_is_read_from_outside() {
        let folder = tempfile::tempdir().unwrap();
        let secret = folder.path().join("secret.png");
        std::fs::write(&secret, fixtures::png(fixtures::photo(10, 10))).unwrap();
        let path = secret.to_string_lossy();
        for href in [path.to_string(), format!("file://{path}"), "http://127.0.0.1:9/a.png".into(), "secret.png".into()]
        {
            let image = format!(
                r#"<image width="100" height="80" href="{href}"/><image width="9" height="9" xlink:href="{href}"/>"#
            );
            let (drawn, warnings) = drawn(&image).unwrap();
            assert!(drawn.pixels().all(|pixel| pixel.0 == [0; 4]), "{href}");
            assert_eq!(warnings.len(), 1, "{href}");
        }
        for inside in [
            format!(
                "<style>@import url('file://{path}'); rect {{ fill: url('file://{path}#a') }}</style><rect width='9' height='9'/>"
            ),
            format!(r#"<use href="file://{path}#a"/><rect width="9" height="9" filter="url(file://{path}#f)"/>"#),
            r#"<script>alert(1)</script><foreignObject width="9" height="9"><p>x</p></foreignObject>"#.into(),
        ] {
            drawn(&inside).unwrap();
        }
    }

    #[test]
    fn pictures_inside_are_read_under_our_limits() {
        use base64::Engine as _;
        let url = |kind: &str, bytes: &[u8]| {
            let data = base64::engine::general_purpose::STANDARD.encode(bytes);
            format!(
                r#"<image width="100" height="80" preserveAspectRatio="none" href="data:image/{kind};base64,{data}"/>"#
            )
        };
        let red = RgbaImage::from_pixel(4, 4, image::Rgba([255, 0, 0, 255]));
        for format in [Format::Png, Format::Webp, Format::Jpeg, Format::Avif] {
            let (image, warnings) = drawn(&url("png", &fixtures::file(red.clone(), format))).unwrap();
            let pixel = image.get_pixel(50, 40).0;
            assert!(pixel[0] > 245 && pixel[1] < 12 && warnings.is_empty(), "{format:?}: {pixel:?} {warnings:?}");
        }
        let mut bomb = fixtures::png(red);
        bomb[16..24].copy_from_slice(&[0, 0, 0xea, 0x60, 0, 0, 0xea, 0x60]);
        for hostile in [bomb, fixtures::SVG.into(), b"rubbish".to_vec()] {
            let (image, warnings) = drawn(&url("png", &hostile)).unwrap();
            assert!(image.pixels().all(|pixel| pixel.0 == [0; 4]));
            assert!(warnings[0].message.contains("left out"), "{warnings:?}");
        }
    }

    /// Ten elements, each of which refers ten times to the one before.
    fn tower(floor: impl Fn(usize) -> String) -> String {
        (0..10).map(floor).collect()
    }

    #[test]
    fn what_would_grow_is_refused_quickly() {
        let uses = |n: usize| format!(r##"<g id="a{}">{}</g>"##, n + 1, format!(r##"<use href="#a{n}"/>"##).repeat(10));
        let fills = |n: usize| {
            let rect = format!(r##"<rect width="5" height="5" fill="url(#a{n})"/>"##).repeat(10);
            format!(r##"<pattern id="a{}" width="9" height="9" patternUnits="userSpaceOnUse">{rect}</pattern>"##, n + 1)
        };
        let masks = |n: usize| {
            let rect = format!(r##"<rect width="5" height="5" style="mask:url('#a{n}')"/>"##).repeat(10);
            format!(r##"<mask id="a{}">{rect}</mask>"##, n + 1)
        };
        let morphology = r#"<filter id="f"><feMorphology radius="50"/></filter>"#;
        let layers =
            [r#"<g opacity=".9">"#.repeat(90), r#"<rect width="3000" height="3000"/>"#.into(), "</g>".repeat(90)]
                .concat();
        let zigzag = format!("M0 0 {}", "L90 70 L0 0 ".repeat(20_000));
        for (name, svg) in [
            ("laughs", format!("<!DOCTYPE svg [<!ENTITY a 'ha'>{}]><svg xmlns='http://www.w3.org/2000/svg'><text>&a9;</text></svg>", (0..9).map(|n| format!("<!ENTITY a{n} '&a;&a;'>")).collect::<String>())),
            ("uses", format!(r##"<rect id="a0" width="5" height="5"/>{}<use href="#a10"/>"##, tower(uses))),
            ("patterns", format!(r##"<pattern id="a0"/>{}<rect width="9" height="9" fill="url(#a10)"/>"##, tower(fills))),
            ("masks", format!(r##"<mask id="a0"/>{}<rect width="9" height="9" mask="url(#a10)"/>"##, tower(masks))),
            ("deep", format!("{}{}", "<g>".repeat(50_000), "</g>".repeat(50_000))),
            ("markers", format!(r##"<marker id="m"><rect width="5" height="5"/></marker><path d="{zigzag}" marker-mid="url(#m)"/>"##)),
            ("many", "<g/>".repeat(300_000)),
            ("morphology", format!(r##"{morphology}<rect width="2000" height="2000" filter="url(#f)"/>"##).repeat(40)),
            ("layers", layers),
            ("tile", r##"<pattern id="p" width="90000" height="90000" patternUnits="userSpaceOnUse"><rect width="9" height="9"/></pattern><rect width="2000" height="2000" fill="url(#p)"/>"##.into()),
            ("areas", r#"<rect width="3000" height="3000"/>"#.repeat(900)),
        ] {
            let started = Instant::now();
            let svg = if name == "laughs" { svg } else {
                format!(r#"<svg xmlns="http://www.w3.org/2000/svg" width="3000" height="3000">{svg}</svg>"#)
            };
            let failure = fixtures::transform(svg.as_bytes(), r#"[{"op":"resize","width":20}]"#, Some(Format::Bmp)).err();
            let failure = failure.unwrap_or_else(|| panic!("{name} was drawn in {:?}", started.elapsed()));
            assert!(matches!(failure.kind, FailureKind::TooLarge | FailureKind::UnsupportedFormat), "{name}: {failure}");
            assert!(failure.next.is_some(), "{name}");
            assert!(started.elapsed() < Duration::from_secs(2), "{name} took {:?}", started.elapsed());
        }
    }

    #[test]
    fn what_refers_to_itself_is_drawn_without_that() {
        let (image, _) = drawn(
            r##"<g id="a"><rect width="9" height="9" fill="red"/><use href="#a"/></g><pattern id="p"><rect fill="url(#p)"/></pattern>
                <mask id="m" mask="url(#m)"/><rect x="20" width="9" height="9" fill="blue"/>"##,
        )
        .unwrap();
        assert_eq!(image.get_pixel(24, 4).0, [0, 0, 255, 255]);
    }

    #[test]
    fn wide_scenes_of_small_parts_are_drawn() {
        let parts: String = (0..8000)
            .map(|n| format!(r#"<g opacity=".9"><circle cx="{}" cy="{}" r="4"/></g>"#, n % 100, n / 100))
            .collect();
        let (image, _) = drawn(&parts).unwrap();
        assert!(image.get_pixel(50, 40).0[3] > 250);
    }
}
