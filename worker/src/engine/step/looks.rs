//! How every step looks: each is done to the same scene and held against a small picture that somebody has looked at.
//! `UPDATE=1` draws the pictures anew, and the sheet of all of them in `docs/steps.png`: look at them before they are
//! committed.

use std::{fs, path::PathBuf, sync::Arc};

use common::{Recipe, Step, schema};
use image::{DynamicImage, Rgba, RgbaImage, imageops};
use serde_json::{Value, json};

use crate::engine::{
    Options,
    fixtures::{decoded, disc, engine, png, run, stop},
};

const WIDTH: u32 = 160;
const HEIGHT: u32 = 120;

/// The most that rounding on another machine may change: a PSNR of this many dB.
const SAME: f64 = 38.0;

/// Sky, a sun, hills, a house and a shadow: edges, flat parts and every hue.
fn scene() -> RgbaImage {
    let paint = |x: u32, y: u32| -> [u8; 3] {
        let (fx, fy) = (x as f32, y as f32);
        let hill = 78.0 + 14.0 * (fx * 0.045).sin();
        let near = 96.0 + 8.0 * (fx * 0.07 + 2.0).cos();
        if (fx - 122.0).hypot(fy - 28.0) < 15.0 {
            [255, 214, 64]
        } else if (40..72).contains(&x) && (62..96).contains(&y) {
            if (50..60).contains(&x) && (74..84).contains(&y) { [255, 246, 190] } else { [188, 52, 44] }
        } else if y < 62 && fy > 44.0 && (fx - 56.0).abs() < (fy - 44.0) * 1.2 {
            [92, 44, 38]
        } else if fy > near {
            [38, (92.0 + fx * 0.3) as u8, 40]
        } else if fy > hill {
            [96, 150, (70.0 + fx * 0.4) as u8]
        } else {
            [(110.0 + fy * 0.9) as u8, (160.0 + fy * 0.6) as u8, 235]
        }
    };
    RgbaImage::from_fn(WIDTH, HEIGHT, |x, y| {
        let [r, g, b] = paint(x, y);
        Rgba([r, g, b, 255])
    })
}

/// A step as it is shown, by its name.
fn shown(op: &str) -> Value {
    match op {
        "auto_orient" | "flip" | "flop" | "grayscale" | "sepia" | "invert" | "emboss" | "edge" => json!({"op": op}),
        "resize" => json!({"op": op, "width": 100, "height": 100, "fit": "cover"}),
        "crop" => json!({"op": op, "aspect": "1:1", "gravity": "smart"}),
        "trim" => json!({"op": op, "threshold": 60}),
        "rotate" => json!({"op": op, "angle_degrees": 12, "background": "#ffe9c0"}),
        "pad" => json!({"op": op, "size": 10, "background": "#203040"}),
        "round_corners" => json!({"op": op, "radius": 30}),
        "blur" => json!({"op": op, "sigma": 3}),
        "sharpen" => json!({"op": op, "sigma": 2, "amount": 3}),
        "pixelate" => json!({"op": op, "size": 10}),
        "brightness" | "contrast" => json!({"op": op, "factor": 1.5}),
        "saturation" => json!({"op": op, "factor": 2.2}),
        "hue" => json!({"op": op, "angle_degrees": 120}),
        "gamma" => json!({"op": op, "gamma": 2}),
        "normalize" => json!({"op": op, "clip_percent": 8}),
        "tint" => json!({"op": op, "color": "#3060ff"}),
        "threshold" => json!({"op": op, "level": 140}),
        "posterize" => json!({"op": op, "levels": 3}),
        "watermark" => json!({"op": op, "image": "mark", "gravity": "north_west", "scale": 0.4, "opacity": 0.7}),
        "text" => {
            json!({"op": op, "text": "Home", "size": 30, "gravity": "south", "color": "white", "background": "#202020"})
        }
        "draw" => json!({"op": op, "color": "red", "thickness": 3,
            "boxes": [{"x": 36, "y": 40, "width": 42, "height": 60}], "arrows": [{"x1": 10, "y1": 10, "x2": 100, "y2": 26}]}),
        "redact" => json!({"op": op, "regions": [{"x": 36, "y": 40, "width": 42, "height": 60}], "mode": "pixelate"}),
        "flatten" => json!({"op": op, "background": "#ff8800"}),
        other => panic!("there is no picture of the step {other}"),
    }
}

/// What it makes of the scene; of a scene with a hole where that is what it is about.
fn done(op: &str) -> DynamicImage {
    let mut scene = scene();
    if op == "flatten" {
        for pixel in scene.pixels_mut().filter(|pixel| pixel.0[2] == 235) {
            pixel.0[3] = 0;
        }
    }
    let steps = json!([shown(op)]);
    let recipe = Recipe { steps: Recipe::parse_steps(&steps).unwrap(), ..Recipe::default() };
    let others: Vec<Arc<[u8]>> = if op == "watermark" { vec![png(disc(80)).into()] } else { Vec::new() };
    let made = engine().transform_with(&png(scene), &others, &recipe, &Options::default(), &stop()).unwrap();
    decoded(&made.bytes)
}

fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/src/engine/step/looks"))
}

fn update() -> bool {
    std::env::var_os("UPDATE").is_some_and(|value| value == "1")
}

fn every_op() -> Vec<String> {
    let schema = schema::of::<Step>();
    let variants = schema["oneOf"].as_array().unwrap().iter();
    variants.map(|variant| variant["properties"]["op"]["const"].as_str().unwrap().to_owned()).collect()
}

fn likeness(one: &DynamicImage, other: &DynamicImage) -> f64 {
    let (one, other) = (one.to_rgba8(), other.to_rgba8());
    assert_eq!(one.dimensions(), other.dimensions());
    let error: f64 = one.iter().zip(other.iter()).map(|(a, b)| f64::from(a.abs_diff(*b)).powi(2)).sum();
    10.0 * (255.0 * 255.0 / (error / one.len() as f64).max(1e-9)).log10()
}

#[test]
fn every_step_looks_as_it_did() {
    for op in every_op() {
        let (made, path) = (done(&op), folder().join(format!("{op}.png")));
        if update() {
            fs::create_dir_all(folder()).unwrap();
            made.save_with_format(&path, image::ImageFormat::Png).unwrap();
        }
        let wanted = fs::read(&path).unwrap_or_else(|_| panic!("there is no picture of {op}: UPDATE=1 draws it"));
        let psnr = likeness(&made, &decoded(&wanted));
        assert!(psnr >= SAME, "{op} looks otherwise than {}: {psnr:.1} dB", path.display());
        let changed = op == "auto_orient"
            || (made.width(), made.height()) != (WIDTH, HEIGHT)
            || likeness(&made, &scene().into()) < 45.0;
        assert!(changed, "{op} does nothing that can be seen");
    }
}

#[test]
fn the_sheet_of_all_steps_is_up_to_date() {
    const COLUMNS: u32 = 6;
    const TILE: (u32, u32) = (WIDTH + 30, HEIGHT + 70);
    let ops = every_op();
    let rows = (ops.len() as u32).div_ceil(COLUMNS);
    let mut sheet = RgbaImage::from_pixel(COLUMNS * TILE.0, rows * TILE.1, Rgba([255; 4]));
    for (index, op) in ops.iter().enumerate() {
        let (left, top) = (index as u32 % COLUMNS * TILE.0, index as u32 / COLUMNS * TILE.1);
        let label = json!([{"op": "text", "text": op, "size": 15, "gravity": "center", "color": "#222222"}]);
        let label = run(RgbaImage::from_pixel(TILE.0, 24, Rgba([255; 4])), &label.to_string());
        let made = done(op).to_rgba8();
        let (x, y) = (left + (TILE.0 - made.width()) / 2, top + 4 + (TILE.1 - 28 - made.height()) / 2);
        imageops::overlay(&mut sheet, &made, i64::from(x), i64::from(y));
        imageops::overlay(&mut sheet, &label.to_rgba8(), i64::from(left), i64::from(top + TILE.1 - 26));
    }
    let (sheet, path) = (DynamicImage::from(sheet), folder().join("../../../../../docs/steps.png"));
    if update() {
        sheet.to_rgb8().save_with_format(&path, image::ImageFormat::Png).unwrap();
    }
    let drawn = decoded(&fs::read(&path).unwrap_or_else(|_| panic!("docs/steps.png is missing: UPDATE=1 draws it")));
    assert!(likeness(&drawn, &sheet) >= SAME, "docs/steps.png is old: UPDATE=1 draws it anew");
}
