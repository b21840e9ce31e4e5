//! Tests over the whole engine: every format, limits, broken and lying files.

use std::time::Duration;

use common::{FailureKind, Format, Recipe, recipe::Output};
use image::{ColorType, DynamicImage};

use super::{Engine, Limits, Options, PreviewKind, Stop, Transformed, fixtures};

fn strict(input: &[u8]) -> Result<Transformed, common::Failure> {
    let options = Options { strict: true, ..Options::default() };
    fixtures::engine().transform(input, &Recipe::default(), &options, &fixtures::stop())
}

fn warned(result: &Transformed, code: &str) -> bool {
    result.warnings.iter().any(|warning| warning.code == code)
}

#[test]
fn every_writable_format_goes_round() {
    for format in Format::WRITABLE {
        for (name, image) in [
            ("photo", DynamicImage::from(fixtures::photo(97, 61))),
            ("disc", fixtures::disc(80).into()),
            ("deep", fixtures::deep(50, 70)),
            ("gray", fixtures::gray(33, 44)),
            ("one pixel", DynamicImage::new_rgb8(1, 1)),
        ] {
            let source = fixtures::png(image.clone());
            let made = fixtures::transform(&source, "[]", Some(format)).unwrap();
            let probe = fixtures::engine().probe(&made.bytes).unwrap();
            assert_eq!(probe.format, format, "{name}");
            assert_eq!((probe.width, probe.height), (image.width(), image.height()), "{format:?} {name}");
            assert_eq!((made.facts.width, made.facts.bytes), (image.width(), made.bytes.len() as u64));
            assert_eq!(made.facts.alpha, made.facts.alpha && format.holds_alpha());
            // What we write we read, and it is the same picture.
            let back = fixtures::transform(&made.bytes, "[]", Some(Format::Png)).unwrap();
            assert!(back.warnings.is_empty(), "{format:?} {name}: {:?}", back.warnings);
            let flat = |image: &DynamicImage| {
                DynamicImage::from(super::pixels::flatten(image.clone(), common::recipe::Color::WHITE).into_rgb8())
            };
            let psnr = fixtures::psnr(&flat(&fixtures::decoded(&back.bytes)), &flat(&image));
            let floor =
                if matches!(format, Format::Jpeg | Format::Webp | Format::Avif | Format::Gif) { 24.0 } else { 50.0 };
            assert!(psnr > floor, "{format:?} {name}: {psnr:.1} dB");
        }
    }
}

#[test]
fn sixteen_bits_stay_where_they_can() {
    let deep = fixtures::deep(40, 30);
    for format in [Format::Png, Format::Tiff] {
        let made = fixtures::transform(&fixtures::png(deep.clone()), "[]", Some(format)).unwrap();
        assert_eq!(made.facts.bit_depth, 16);
        assert_eq!(fixtures::decoded(&made.bytes), deep, "{format:?}");
    }
    let made = fixtures::transform(&fixtures::png(deep), "[]", Some(Format::Jpeg)).unwrap();
    assert_eq!(made.facts.bit_depth, 8);
    assert!(made.applied.iter().any(|line| line.starts_with("16 bit -> 8 bit")));
}

#[test]
fn floating_point_becomes_srgb() {
    let linear = image::Rgb32FImage::from_pixel(4, 4, image::Rgb([0.2158, 1.7, 0.0]));
    for format in [image::ImageFormat::Hdr, image::ImageFormat::OpenExr] {
        let mut file = std::io::Cursor::new(Vec::new());
        DynamicImage::from(linear.clone()).write_to(&mut file, format).unwrap();
        let made = fixtures::transform(file.get_ref(), "[]", None).unwrap();
        assert_eq!((made.facts.format, made.facts.bit_depth), (Format::Png, 16));
        let pixel = fixtures::decoded(&made.bytes).into_rgb8().get_pixel(1, 1).0;
        assert!(pixel[0].abs_diff(128) <= 2 && pixel[1] == 255 && pixel[2] == 0, "{pixel:?}");
    }
}

#[test]
fn read_only_formats_are_read() {
    let photo = DynamicImage::from(fixtures::photo(30, 20));
    for format in [image::ImageFormat::Tga, image::ImageFormat::Pnm] {
        let mut file = std::io::Cursor::new(Vec::new());
        photo.write_to(&mut file, format).unwrap();
        let made = fixtures::transform(file.get_ref(), "[]", None).unwrap();
        assert_eq!(made.facts.format, Format::Png, "what cannot be written becomes PNG");
        assert_eq!(fixtures::decoded(&made.bytes), photo);
    }
    let failure = fixtures::transform(&fixtures::png(photo), "[]", Some(Format::Tga)).unwrap_err();
    assert_eq!(failure.kind, FailureKind::InvalidArgument);
}

#[test]
fn orientation_is_applied_and_gone() {
    let jpeg = fixtures::file(fixtures::photo(64, 48), Format::Jpeg);
    let plain = fixtures::decoded(&jpeg);
    for orientation in 1..=8 {
        let input = fixtures::with_exif(&jpeg, orientation);
        let made = fixtures::transform(&input, "[]", Some(Format::Png)).unwrap();
        let mut expected = plain.clone();
        expected.apply_orientation(image::metadata::Orientation::from_exif(orientation as u8).unwrap());
        assert_eq!(fixtures::decoded(&made.bytes).color(), ColorType::Rgb8);
        assert!(fixtures::psnr(&fixtures::decoded(&made.bytes), &expected) > 45.0, "orientation {orientation}");
        assert_eq!((made.before.width, made.before.height), (expected.width(), expected.height()));
        assert_eq!(fixtures::engine().probe(&made.bytes).unwrap().orientation, 1);
    }
    let kept =
        fixtures::transform(&fixtures::with_exif(&jpeg, 6), r#"[{"op":"auto_orient","enabled":false}]"#, None).unwrap();
    assert_eq!((kept.facts.width, kept.facts.height), (64, 48));
    assert!(warned(&kept, "orientation_kept"));
}

#[test]
fn cut_files_give_what_they_have() {
    let photo = fixtures::photo(160, 120);
    for (format, progressive) in [(Format::Jpeg, false), (Format::Jpeg, true), (Format::Png, false)] {
        let output = Output { format: Some(format), progressive, ..Output::default() };
        let recipe = Recipe { steps: Vec::new(), output };
        let file = fixtures::engine()
            .transform(&fixtures::png(photo.clone()), &recipe, &Options::default(), &fixtures::stop())
            .unwrap()
            .bytes;
        assert!(strict(&file).unwrap().warnings.is_empty());
        let mut pictures = 0;
        for cut in (0..file.len()).step_by(file.len() / 60 + 1) {
            match fixtures::transform(&file[..cut], "[]", Some(Format::Png)) {
                Ok(made) => {
                    pictures += 1;
                    assert!(warned(&made, "truncated"), "{format:?} cut at {cut}");
                    assert_eq!((made.facts.width, made.facts.height), (160, 120));
                }
                Err(failure) => assert!(
                    matches!(failure.kind, FailureKind::ImageUnreadable | FailureKind::UnsupportedFormat),
                    "{format:?} cut at {cut}: {failure}"
                ),
            }
            assert!(strict(&file[..cut]).is_err(), "strict refuses {format:?} cut at {cut}");
        }
        assert!(pictures > 40, "{format:?}: only {pictures} of 60");
    }
}

#[test]
fn every_kind_of_jpeg_is_the_same_picture() {
    let photo = fixtures::photo(97, 61);
    for (quality, progressive) in [(80, false), (80, true), (95, false), (95, true)] {
        let output = Output { format: Some(Format::Jpeg), quality: Some(quality), progressive, ..Output::default() };
        let recipe = Recipe { steps: Vec::new(), output };
        let png = fixtures::png(photo.clone());
        let made = fixtures::engine().transform(&png, &recipe, &Options::default(), &fixtures::stop()).unwrap();
        let psnr = fixtures::psnr(&fixtures::decoded(&made.bytes), &photo.clone().into());
        assert!(psnr > 40.0, "quality {quality}, progressive {progressive}: {psnr:.1} dB");
    }
}

#[test]
fn a_cut_photo_still_shows_its_upper_half() {
    let photo = fixtures::photo(200, 200);
    for format in [Format::Jpeg, Format::Png] {
        let file = fixtures::file(photo.clone(), format);
        let made = fixtures::transform(&file[..file.len() * 7 / 10], "[]", Some(Format::Png)).unwrap();
        let top = |image: &DynamicImage| image.crop_imm(0, 0, 200, 100);
        let psnr = fixtures::psnr(&top(&fixtures::decoded(&made.bytes)), &top(&photo.clone().into()));
        assert!(psnr > 30.0, "{format:?}: {psnr:.1} dB");
    }
}

#[test]
fn flipped_bits_and_rubbish_never_panic() {
    let photo = fixtures::photo(40, 30);
    let engine = fixtures::engine();
    let mut seed = 7_u64;
    let mut random = move |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(seed >> 33).unwrap() % below.max(1)
    };
    for format in Format::WRITABLE {
        let file = fixtures::file(photo.clone(), format);
        for round in 0..60 {
            let mut bad = file.clone();
            for _ in 0..=random(4) {
                // Mostly in the header, where it hurts.
                let at = if round % 2 == 0 { random(bad.len()) } else { random(bad.len().min(120)) };
                bad[at] ^= 1 << random(8);
            }
            let _outcome = engine.transform(&bad, &Recipe::default(), &Options::default(), &fixtures::stop());
            let _outcome = engine.inspect(&bad, &common::Section::ALL, PreviewKind::Preview, &fixtures::stop());
        }
        let head = &file[..file.len().min(16)];
        let rubbish: Vec<u8> = head.iter().copied().chain((0..300).map(|_| random(256) as u8)).collect();
        let _outcome = engine.transform(&rubbish, &Recipe::default(), &Options::default(), &fixtures::stop());
    }
}

#[test]
fn bombs_are_refused_from_their_header() {
    let mut png = fixtures::png(DynamicImage::new_rgb8(1, 1));
    png[16..24].copy_from_slice(&[0, 0, 0xea, 0x60, 0, 0, 0xea, 0x60]); // 60000 x 60000
    let failure = fixtures::transform(&png, "[]", None).unwrap_err();
    assert_eq!(failure.kind, FailureKind::TooLarge);
    assert!(failure.to_string().contains("MAX_MEGAPIXELS"), "{failure}");
    png[16..24].copy_from_slice(&[0; 8]);
    assert_eq!(fixtures::transform(&png, "[]", None).unwrap_err().kind, FailureKind::ImageUnreadable);

    let limits = Limits { max_memory_bytes: 1_000_000, max_file_bytes: 100_000, ..Limits::default() };
    let small = Engine::new(limits).unwrap();
    let picture = fixtures::png(DynamicImage::new_rgb8(900, 900));
    let failure = small.transform(&picture, &Recipe::default(), &Options::default(), &fixtures::stop()).unwrap_err();
    assert!(failure.to_string().contains("MAX_MEMORY_MB"), "{failure}");
    let failure = small.probe(&vec![0; 100_001]).unwrap_err();
    assert!(failure.to_string().contains("MAX_FILE_MB"), "{failure}");
}

#[test]
fn results_are_bounded_before_they_are_made() {
    let png = fixtures::png(fixtures::photo(600, 2));
    for (steps, argument) in [
        (r#"[{"op":"flip"},{"op":"resize","width":16384,"height":16384,"fit":"outside","upscale":true}]"#, "steps[1]"),
        (r#"[{"op":"resize","width":16384,"height":16384,"fit":"fill"}]"#, "steps[0]"),
        (r#"[{"op":"crop","x":590,"y":0,"width":20,"height":1}]"#, "steps[0]"),
    ] {
        let failure = fixtures::transform(&png, steps, None).unwrap_err();
        assert_eq!(failure.argument.as_deref(), Some(argument), "{failure}");
    }
    for format in [Format::Webp, Format::Ico] {
        let steps = r#"[{"op":"resize","width":16384,"height":60,"upscale":true}]"#;
        let failure = fixtures::transform(&png, steps, Some(format)).unwrap_err();
        assert_eq!(failure.kind, FailureKind::TooLarge);
        assert!(failure.next.unwrap().contains("resize"));
    }
}

#[test]
fn animations_give_their_first_frame_and_say_so() {
    let mut gif = Vec::new();
    let mut encoder = image::codecs::gif::GifEncoder::new(&mut gif);
    for color in [[255, 0, 0, 255], [0, 0, 255, 255]] {
        encoder.encode_frame(image::Frame::new(image::RgbaImage::from_pixel(20, 10, image::Rgba(color)))).unwrap();
    }
    drop(encoder);
    assert_eq!(fixtures::engine().probe(&gif).unwrap().frames, 2);
    let made = fixtures::transform(&gif, "[]", Some(Format::Bmp)).unwrap();
    assert!(warned(&made, "animation_first_frame"));
    assert!(made.warnings.iter().any(|warning| warning.message.contains("gif, webp or png")), "{:?}", made.warnings);
    assert_eq!(fixtures::decoded(&made.bytes).into_rgb8().get_pixel(3, 3).0, [255, 0, 0]);
    let engine = Engine::new(Limits { max_frames: 1, ..Limits::default() }).unwrap();
    assert!(engine.probe(&gif).unwrap_err().to_string().contains("MAX_FRAMES"));
}

#[test]
fn settings_without_effect_are_named() {
    let png = fixtures::png(fixtures::photo(20, 20));
    let all = |format| Output {
        max_bytes: None,
        min_ssim: None,
        dpi: None,
        format: Some(format),
        quality: Some(50),
        lossless: true,
        progressive: true,
        background: Some(common::recipe::Color::WHITE),
        ..Output::default()
    };
    for (format, ignored) in [
        (Format::Png, vec!["quality", "lossless", "progressive", "background"]),
        (Format::Jpeg, vec!["lossless"]),
        (Format::Webp, vec!["quality", "progressive", "background"]),
        (Format::Avif, vec!["lossless", "progressive", "background"]),
    ] {
        let recipe = Recipe { steps: Vec::new(), output: all(format) };
        let made = fixtures::engine().transform(&png, &recipe, &Options::default(), &fixtures::stop()).unwrap();
        let names: Vec<&str> = made.ignored.iter().filter_map(|line| line.split(':').next()).collect();
        assert_eq!(names, ignored, "{format:?}");
    }
    let lossless = Output { lossless: true, ..all(Format::Webp) };
    let recipe = Recipe { steps: Vec::new(), output: lossless };
    let made = fixtures::engine().transform(&png, &recipe, &Options::default(), &fixtures::stop()).unwrap();
    assert_eq!(fixtures::decoded(&made.bytes).into_rgb8(), fixtures::photo(20, 20), "lossless means lossless");
}

#[test]
fn transparency_is_laid_on_the_background() {
    let output = Output {
        format: Some(Format::Jpeg),
        quality: Some(95),
        background: common::recipe::Color::parse("#0000ff"),
        ..Output::default()
    };
    let recipe = Recipe { steps: Vec::new(), output };
    let png = fixtures::png(fixtures::disc(64));
    let made = fixtures::engine().transform(&png, &recipe, &Options::default(), &fixtures::stop()).unwrap();
    assert!(made.applied.contains(&"flatten on #0000ff".to_owned()), "{:?}", made.applied);
    let corner = fixtures::decoded(&made.bytes).into_rgb8().get_pixel(2, 2).0;
    assert!(corner[0] < 8 && corner[1] < 8 && corner[2] > 247, "{corner:?}");
}

#[test]
fn a_stopped_job_ends() {
    let png = fixtures::png(fixtures::photo(300, 300));
    let stop = fixtures::stop();
    stop.cancel();
    let recipe = fixtures::recipe(r#"[{"op":"blur","sigma":5}]"#, None);
    let failure = fixtures::engine().transform(&png, &recipe, &Options::default(), &stop).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Cancelled);
    let late = Stop::new(Duration::ZERO);
    let failure = fixtures::engine().transform(&png, &recipe, &Options::default(), &late).unwrap_err();
    assert!(failure.to_string().contains("JOB_TIMEOUT_SECS"));
    // In the middle of an encoder written in C, too.
    let late = Stop::new(Duration::from_millis(40));
    let recipe = fixtures::recipe(r#"[{"op":"resize","width":6000,"upscale":true}]"#, Some(Format::Webp));
    assert!(fixtures::engine().transform(&png, &recipe, &Options::default(), &late).is_err());
}

#[test]
fn small_pictures_are_not_enlarged_unasked() {
    let png = fixtures::png(fixtures::photo(30, 20));
    let made = fixtures::transform(&png, r#"[{"op":"resize","width":300}]"#, None).unwrap();
    assert_eq!((made.facts.width, made.facts.height), (30, 20));
    assert!(warned(&made, "not_enlarged") && made.ignored.len() == 1);
}
