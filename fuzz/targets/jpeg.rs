//! Our own decoder of JPEG, at every scale, and the way of planes behind it; and against zune-jpeg, which reads the same
//! file on the way to PNG. A panic here is ours.
#![no_main]

use common::{Format, recipe::Output};
use image::GenericImageView;
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

const STEPS: [&str; 8] = [
    "[]",
    r#"[{"op":"resize","width":7}]"#,
    r#"[{"op":"resize","width":40}]"#,
    r#"[{"op":"resize","height":90}]"#,
    r#"[{"op":"resize","width":33,"height":33,"fit":"cover"}]"#,
    r#"[{"op":"rotate","angle_degrees":90},{"op":"blur","sigma":2}]"#,
    r#"[{"op":"crop","x":3,"y":5,"width":9,"height":9},{"op":"flop"}]"#,
    r#"[{"op":"resize","width":21},{"op":"rotate","angle_degrees":270}]"#,
];

/// How far a channel may be from what zune-jpeg makes of it: the rounding of two transforms and of one more encoding.
const NEAR: u8 = 9;

libfuzzer_sys::fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    fuzz::mutate(data, size, max_size, seed, 1)
});

libfuzzer_sys::fuzz_target!(init: fuzz::ready("jpeg"), |data: &[u8]| {
    let Some((choice, file)) = data.split_first() else { return };
    if choice & 0x80 != 0 {
        compare(*choice, file);
    } else if file.starts_with(&[0xff, 0xd8, 0xff]) {
        let format = if choice & 8 == 0 { Format::Jpeg } else { Format::Png };
        drop(fuzz::transform(file, STEPS[usize::from(choice % 8)], fuzz::output(format)));
    }
});

/// A sound file of the pixels in `data` is for our decoder what it is for zune-jpeg.
fn compare(choice: u8, data: &[u8]) {
    let [width, height, quality, restart, pixels @ ..] = data else { return };
    let (width, height) = (u16::from(*width) % 80 + 1, u16::from(*height) % 80 + 1);
    let (color, channels) = if choice & 1 == 0 { (ColorType::Luma, 1) } else { (ColorType::Rgb, 3) };
    let count = usize::from(width) * usize::from(height) * channels;
    if pixels.is_empty() {
        return;
    }
    let pixels: Vec<u8> = pixels.iter().copied().cycle().take(count).collect();
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, quality % 100 + 1);
    encoder.set_sampling_factor(SamplingFactor::F_1_1);
    // jpeg-encoder 0.7 counts for tables of its own as if there were no restart markers, and writes broken files with both.
    let optimized = choice & 2 != 0;
    encoder.set_restart_interval(if optimized { 0 } else { u16::from(*restart) });
    encoder.set_optimized_huffman_tables(optimized);
    encoder.encode(&pixels, width, height, color).unwrap_or_else(|error| panic!("{error}"));

    let finest = Output { quality: Some(100), ..fuzz::output(Format::Jpeg) };
    let ours = fuzz::transform(&file, "[]", finest).unwrap_or_else(|failure| panic!("ours: {failure}"));
    assert!(ours.warnings.is_empty(), "a sound file is damaged: {:?}", ours.warnings);
    let png = |file: &[u8]| {
        let made = fuzz::transform(file, "[]", fuzz::output(Format::Png)).unwrap_or_else(|failure| panic!("{failure}"));
        image::load_from_memory(&made.bytes).unwrap_or_else(|error| panic!("{error}"))
    };
    let (ours, theirs) = (png(&ours.bytes), png(&file));
    assert_eq!(ours.dimensions(), theirs.dimensions());
    let (ours, theirs) = (ours.into_rgb8(), theirs.into_rgb8());
    let far = ours.iter().zip(theirs.iter()).map(|(one, other)| one.abs_diff(*other)).max().unwrap_or(0);
    assert!(far <= NEAR, "{far} from what zune-jpeg makes of it");
}
