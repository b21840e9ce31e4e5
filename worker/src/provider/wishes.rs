//! What may be asked of a model that makes pictures, checked before it is paid for.

use common::{
    Failure,
    generation::Wishes,
    models::{Model, Sizes},
};
use serde_json::Value;

/// The longest prompt, in characters.
pub(super) const MAX_PROMPT: usize = 32_000;

/// The sizes that every model makes.
const THREE: [(u32, u32); 3] = [(1024, 1024), (1536, 1024), (1024, 1536)];

/// Sides of other sizes are a multiple of this.
const GRID: u32 = 16;

/// The longest side of any size.
pub(super) const MAX_EDGE: u32 = 3840;

/// The fewest and the most pixels of any size.
const PIXELS: (u64, u64) = (655_360, 8_294_400);

/// Pixels of a picture of a given shape: as many as the larger of the usual sizes have.
const SHAPED: f64 = 1536.0 * 1024.0;

/// Width and height, where they are fixed.
pub(super) fn size(wishes: &Wishes) -> Option<(u32, u32)> {
    parse_size(wishes.size.as_deref()?)
}

/// The same with a size that has the shape that was asked for, as nearly as the model makes it.
///
/// # Errors
/// `invalid_argument`.
pub(super) fn shaped(wishes: &Wishes, model: Option<&Model>) -> Result<Wishes, Failure> {
    let Some(shape) = &wishes.aspect_ratio else { return Ok(wishes.clone()) };
    let wrong = |message: String| {
        Failure::invalid("aspect_ratio", message)
            .allowed("width:height from 1:3 to 3:1, such as 16:9; not together with size")
            .next("Set aspect_ratio to 3:2, or leave it out.")
    };
    if wishes.size.is_some() {
        return Err(wrong("Both size and aspect_ratio are given.".into()));
    }
    let sides = shape.split_once(':').and_then(|(width, height)| {
        let side = |text: &str| text.trim().parse::<f64>().ok().filter(|side| (0.01..=10_000.0).contains(side));
        Some((side(width)?, side(height)?))
    });
    let Some(ratio) = sides.map(|(width, height)| width / height).filter(|ratio| (0.333..=3.001).contains(ratio))
    else {
        return Err(wrong(format!("\"{}\" is no shape that models make.", common::schema::clip(shape))));
    };
    let pixels = if (ratio - 1.0).abs() < 0.01 { 1024.0 * 1024.0 } else { SHAPED };
    let whole = ((pixels * ratio).sqrt().round() as u32, (pixels / ratio).sqrt().round() as u32);
    let (width, height) = match model.map(|model| model.sizes) {
        Some(Sizes::Any) => nearest(whole),
        Some(Sizes::Three) | None => nearest_of_three(whole),
    };
    Ok(Wishes { size: Some(format!("{width}x{height}")), aspect_ratio: None, ..wishes.clone() })
}

/// Refuses what the model would refuse, and names what comes nearest. Of a model that is not known only what no model
/// does is refused.
///
/// # Errors
/// `invalid_argument`.
pub(super) fn check(wishes: &Wishes, model: Option<&Model>) -> Result<(), Failure> {
    if !(1..=10).contains(&wishes.count()) {
        return Err(Failure::invalid("n", format!("{} pictures are asked for at once.", wishes.count()))
            .allowed("1 to 10")
            .next(format!("Set n to {}.", wishes.count().clamp(1, 10))));
    }
    if wishes.partial_images.is_some_and(|count| count > 3) {
        return Err(Failure::invalid("partial_images", "More unfinished pictures are asked for than there are.")
            .allowed("0 to 3")
            .next("Set partial_images to 3."));
    }
    let moderations = ["auto", "low"].map(String::from);
    one_of("moderation", wishes.moderation.as_deref(), &moderations, "auto")?;
    let Some(model) = model else { return check_compression(wishes) };
    check_size(wishes, model)?;
    let better = ["xhigh", "max"].contains(&wishes.quality.as_deref().unwrap_or_default());
    one_of("quality", wishes.quality.as_deref(), &model.qualities, if better { "high" } else { "auto" })?;
    let backgrounds = ["transparent", "opaque", "auto"].map(String::from);
    one_of("background", wishes.background.as_deref(), &backgrounds, "auto")?;
    one_of("output_format", wishes.output_format.as_deref(), &model.formats, "png")?;
    if wishes.background.as_deref() == Some("transparent") && !matches!(format_of(wishes), "png" | "webp") {
        return Err(Failure::invalid("background", format!("{} cannot be transparent.", format_of(wishes)))
            .allowed("transparent with output_format png or webp")
            .next("Set output_format to png."));
    }
    check_compression(wishes)?;
    check_fidelity(wishes, model)
}

/// The format that is made.
fn format_of(wishes: &Wishes) -> &str {
    wishes.output_format.as_deref().unwrap_or("png")
}

fn check_compression(wishes: &Wishes) -> Result<(), Failure> {
    let Some(compression) = wishes.output_compression else { return Ok(()) };
    if compression > 100 {
        return Err(Failure::invalid("output_compression", format!("{compression} is not a share of a hundred."))
            .allowed("0 to 100")
            .next("Set output_compression to 100."));
    }
    if !matches!(format_of(wishes), "jpeg" | "webp") {
        return Err(Failure::invalid("output_compression", format!("{} has no such setting.", format_of(wishes)))
            .allowed("0 to 100 with output_format jpeg or webp")
            .next("Set output_format to webp, or leave output_compression out."));
    }
    Ok(())
}

fn check_fidelity(wishes: &Wishes, model: &Model) -> Result<(), Failure> {
    let both = ["low", "high"].map(String::from);
    if !model.input_fidelity && wishes.input_fidelity.is_some() {
        return Err(Failure::invalid("input_fidelity", format!("{} does not take it.", model.name))
            .next("Leave input_fidelity out: newer models always keep to the picture."));
    }
    one_of("input_fidelity", wishes.input_fidelity.as_deref(), &both, "high")
}

fn check_size(wishes: &Wishes, model: &Model) -> Result<(), Failure> {
    let Some(text) = wishes.size.as_deref().filter(|text| *text != "auto") else { return Ok(()) };
    let three = THREE.map(|(width, height)| format!("{width}x{height}")).join(", ");
    let allowed = match model.sizes {
        Sizes::Three => format!("auto, {three} for {}", model.name),
        Sizes::Any => format!(
            "auto, {three}, or WxH with sides that are multiples of {GRID} up to {MAX_EDGE}, at most three times as \
             long as wide, {} to {} pixels in all",
            PIXELS.0, PIXELS.1
        ),
    };
    let Some(size) = parse_size(text) else {
        return Err(Failure::invalid("size", format!("\"{}\" is no size.", common::schema::clip(text)))
            .allowed(allowed)
            .next("Set size to 1024x1024, or leave it out."));
    };
    let nearest = match model.sizes {
        Sizes::Three => nearest_of_three(size),
        Sizes::Any => nearest(size),
    };
    if nearest == size {
        return Ok(());
    }
    Err(Failure::invalid("size", format!("{} does not make {}x{}.", model.name, size.0, size.1))
        .allowed(allowed)
        .next(format!("Set size to {}x{}.", nearest.0, nearest.1)))
}

/// What is sent, and nothing that was not set. Of `compat` backends some things are kept back; these are named.
pub(super) fn fields(wishes: &Wishes, compat: bool) -> (Vec<(&'static str, Value)>, Vec<String>) {
    let text = |value: &Option<String>| value.clone().map(Value::from);
    let all = [
        ("n", wishes.n.map(Value::from)),
        ("size", text(&wishes.size)),
        ("quality", text(&wishes.quality)),
        ("background", text(&wishes.background)),
        ("output_format", text(&wishes.output_format)),
        ("output_compression", wishes.output_compression.map(Value::from)),
        ("moderation", text(&wishes.moderation)),
        ("input_fidelity", text(&wishes.input_fidelity)),
    ];
    let (mut fields, mut ignored) = (Vec::new(), Vec::new());
    for (name, value) in all {
        let Some(value) = value else { continue };
        if compat && matches!(name, "quality" | "background" | "moderation") {
            ignored.push(format!("{name}: this backend does not know it (setting OPENAI_COMPAT)"));
        } else {
            fields.push((name, value));
        }
    }
    if compat {
        fields.push(("response_format", "b64_json".into()));
    }
    match wishes.partial_images {
        Some(_) if compat => {
            ignored.push("partial_images: this backend does not know it (setting OPENAI_COMPAT)".into());
        }
        Some(_) if wishes.count() > 1 => ignored.push("partial_images: only of a single picture".into()),
        Some(count) => fields.extend([("stream", true.into()), ("partial_images", count.into())]),
        None => {}
    }
    (fields, ignored)
}

/// Refuses a prompt that is empty or too long.
///
/// # Errors
/// `invalid_argument`.
pub(super) fn check_prompt(prompt: &str) -> Result<(), Failure> {
    let length = prompt.chars().count();
    if prompt.trim().is_empty() || length > MAX_PROMPT {
        return Err(Failure::invalid("prompt", format!("The prompt has {length} characters."))
            .allowed(format!("1 to {MAX_PROMPT} characters"))
            .next("Say in a few sentences what the picture shall show."));
    }
    Ok(())
}

fn one_of(name: &str, value: Option<&str>, allowed: &[String], nearest: &str) -> Result<(), Failure> {
    match value {
        Some(value) if !allowed.iter().any(|allowed| allowed == value) => {
            let message =
                format!("\"{}\" is not one of the values that this model knows.", common::schema::clip(value));
            Err(Failure::invalid(name, message).allowed(allowed.join(", ")).next(format!("Set {name} to {nearest}.")))
        }
        _ => Ok(()),
    }
}

fn parse_size(text: &str) -> Option<(u32, u32)> {
    let (width, height) = text.split_once('x')?;
    let side = |text: &str| text.parse::<u32>().ok().filter(|side| (1..=100_000).contains(side));
    Some((side(width)?, side(height)?))
}

/// The size of the three whose shape is nearest.
fn nearest_of_three((width, height): (u32, u32)) -> (u32, u32) {
    let slant = |(width, height): (u32, u32)| (f64::from(width) / f64::from(height)).ln();
    let own = slant((width, height));
    let far = |size: &(u32, u32)| (slant(*size) - own).abs();
    THREE.into_iter().min_by(|one, other| far(one).total_cmp(&far(other))).unwrap_or(THREE[0])
}

/// The legal size of nearly the same shape that comes nearest.
pub(super) fn nearest(size: (u32, u32)) -> (u32, u32) {
    if is_legal(size) {
        return size;
    }
    let (width, height) = (f64::from(size.0), f64::from(size.1));
    let ratio = (width / height).clamp(1.0 / 3.0, 3.0);
    let pixels = (width * height).clamp(PIXELS.0 as f64, PIXELS.1 as f64);
    let longest = f64::from(MAX_EDGE);
    let width = (pixels * ratio).sqrt().min(longest).min(longest * ratio);
    let steps = |side: f64| ((side / f64::from(GRID)).round() as u32).clamp(1, MAX_EDGE / GRID);
    let (across, down) = (steps(width), steps(width / ratio));
    // Rounding may step over a bound; one of the neighbours does not.
    let near = |middle: u32| (middle.saturating_sub(2).max(1)..=middle + 2).map(|steps| steps * GRID);
    let candidates = near(across).flat_map(|width| near(down).map(move |height| (width, height)));
    let far = |(w, h): (u32, u32)| (f64::from(w) - width).abs() + (f64::from(h) - width / ratio).abs();
    // Of two that are as near, the larger: what is too much can be cut off.
    let order = |size: &(u32, u32)| (far(*size), -i64::from(size.0) * i64::from(size.1));
    let legal = candidates.filter(|size| is_legal(*size)).map(|size| (order(&size), size));
    let best = legal.min_by(|(one, _), (other, _)| one.0.total_cmp(&other.0).then(one.1.cmp(&other.1)));
    best.map_or(THREE[0], |(_, size)| size)
}

fn is_legal((width, height): (u32, u32)) -> bool {
    let pixels = u64::from(width) * u64::from(height);
    width % GRID == 0
        && height % GRID == 0
        && width.max(height) <= MAX_EDGE
        && width.max(height) <= 3 * width.min(height)
        && (PIXELS.0..=PIXELS.1).contains(&pixels)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(text: &str) -> Model {
        toml::from_str(text).unwrap()
    }

    fn new_one() -> Model {
        model(
            "name = \"two\"\nsizes = \"any\"\nqualities = [\"auto\", \"high\"]\nformats = [\"png\", \"jpeg\", \"webp\"]",
        )
    }

    fn old_one() -> Model {
        model("name = \"one\"\nqualities = [\"auto\"]\nformats = [\"png\"]\ninput_fidelity = true")
    }

    fn some(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    #[test]
    fn a_size_that_is_not_made_is_told_with_the_nearest_that_is() {
        for (given, near) in [
            ("1000x1000", "1008x1008"),
            ("512x512", "816x816"),
            ("7680x4320", "3840x2160"),
            ("4000x500", "2448x816"),
            ("500x4000", "816x2448"),
            ("3840x3840", "2880x2880"),
            ("1920x1080", "1920x1088"),
        ] {
            let wishes = Wishes { size: some(given), ..Wishes::default() };
            let failure = check(&wishes, Some(&new_one())).unwrap_err();
            let next = failure.next.unwrap();
            let legal = parse_size(next.trim_start_matches("Set size to ").trim_end_matches('.')).unwrap();
            assert!(is_legal(legal), "{given}: {next}");
            assert_eq!(failure.argument.as_deref(), Some("size"));
            assert_eq!(next, format!("Set size to {near}."), "{given}");
        }
        for (given, near) in [("1920x1080", "1536x1024"), ("1080x1920", "1024x1536"), ("512x512", "1024x1024")] {
            let failure = check(&Wishes { size: some(given), ..Wishes::default() }, Some(&old_one())).unwrap_err();
            assert_eq!(failure.next.unwrap(), format!("Set size to {near}."));
        }
        for odd in ["big", "0x5", "-1x5", "1024", "1024x", "1024x1024x1", "99999999999x1"] {
            assert!(check(&Wishes { size: some(odd), ..Wishes::default() }, Some(&new_one())).is_err(), "{odd}");
        }
    }

    #[test]
    fn a_shape_becomes_the_size_that_the_model_makes() {
        let size = |ratio: &str, model: &Model| {
            let wishes = Wishes { aspect_ratio: some(ratio), ..Wishes::default() };
            let shaped = shaped(&wishes, Some(model)).unwrap();
            check(&shaped, Some(model)).unwrap();
            shaped.size.unwrap()
        };
        for (ratio, any, three) in [
            ("1:1", "1024x1024", "1024x1024"),
            ("3:2", "1536x1024", "1536x1024"),
            ("2:3", "1024x1536", "1024x1536"),
            ("16:9", "1680x944", "1536x1024"),
            ("9:16", "944x1680", "1024x1536"),
            ("3:1", "2176x736", "1536x1024"),
            ("1.91:1", "1728x912", "1536x1024"),
        ] {
            assert_eq!((size(ratio, &new_one()).as_str(), size(ratio, &old_one()).as_str()), (any, three), "{ratio}");
        }
        for wrong in ["", "4:1", "16x9", "0:1", "-1:1", "1:NaN", "wide"] {
            let wishes = Wishes { aspect_ratio: some(wrong), ..Wishes::default() };
            assert_eq!(shaped(&wishes, None).unwrap_err().argument.as_deref(), Some("aspect_ratio"), "{wrong}");
        }
        let both = Wishes { aspect_ratio: some("1:1"), size: some("auto"), ..Wishes::default() };
        assert!(shaped(&both, None).is_err());
    }

    #[test]
    fn every_illegal_size_has_a_legal_neighbour() {
        for width in (1..6000).step_by(37) {
            for height in (1..6000).step_by(41) {
                assert!(is_legal(nearest((width, height))), "{width}x{height}");
            }
        }
    }

    #[test]
    fn legal_sizes_pass() {
        for legal in ["auto", "1024x1024", "1536x1024", "1024x1536", "3840x2160", "1280x512", "2880x2880", "2448x816"] {
            check(&Wishes { size: some(legal), ..Wishes::default() }, Some(&new_one())).unwrap();
        }
        for legal in ["auto", "1024x1024", "1536x1024", "1024x1536"] {
            check(&Wishes { size: some(legal), ..Wishes::default() }, Some(&old_one())).unwrap();
        }
    }

    #[test]
    fn what_the_model_would_refuse_is_refused_with_the_way_out() {
        let default = Wishes::default;
        let cases = [
            (Wishes { n: Some(0), ..default() }, "n", "1"),
            (Wishes { n: Some(11), ..default() }, "n", "10"),
            (Wishes { quality: some("max"), ..default() }, "quality", "high"),
            (Wishes { quality: some("hd"), ..default() }, "quality", "auto"),
            (Wishes { background: some("green"), ..default() }, "background", "auto"),
            (Wishes { output_format: some("gif"), ..default() }, "output_format", "png"),
            (Wishes { moderation: some("off"), ..default() }, "moderation", "auto"),
            (Wishes { partial_images: Some(4), ..default() }, "partial_images", "3"),
            (Wishes { output_compression: Some(50), ..default() }, "output_compression", "webp"),
            (
                Wishes { output_compression: Some(101), output_format: some("jpeg"), ..default() },
                "output_compression",
                "100",
            ),
            (Wishes { background: some("transparent"), output_format: some("jpeg"), ..default() }, "background", "png"),
            (Wishes { input_fidelity: some("high"), ..default() }, "input_fidelity", "out"),
        ];
        for (wishes, argument, way_out) in cases {
            let failure = check(&wishes, Some(&new_one())).unwrap_err();
            assert_eq!(failure.argument.as_deref(), Some(argument), "{wishes:?}");
            assert!(failure.next.as_deref().unwrap_or_default().contains(way_out), "{failure}");
        }
        check(&Wishes { input_fidelity: some("high"), ..default() }, Some(&old_one())).unwrap();
        let clear = Wishes {
            background: some("transparent"),
            output_format: some("webp"),
            output_compression: Some(0),
            ..default()
        };
        check(&clear, Some(&new_one())).unwrap();
    }

    #[test]
    fn of_an_unknown_model_nothing_is_assumed() {
        let wishes = Wishes {
            size: some("512x512"),
            quality: some("hd"),
            background: some("checkered"),
            output_format: some("avif"),
            input_fidelity: some("low"),
            ..Wishes::default()
        };
        check(&wishes, None).unwrap();
        assert!(check(&Wishes { n: Some(11), ..wishes }, None).is_err());
    }

    #[test]
    fn only_what_was_set_is_sent() {
        assert_eq!(fields(&Wishes::default(), false), (vec![], vec![]));
        let wishes = Wishes {
            n: Some(2),
            quality: some("high"),
            background: some("opaque"),
            moderation: some("low"),
            partial_images: Some(2),
            ..Wishes::default()
        };
        let names = |compat| fields(&wishes, compat).0.into_iter().map(|(name, _)| name).collect::<Vec<_>>();
        assert_eq!(names(false), ["n", "quality", "background", "moderation"]);
        assert_eq!(fields(&wishes, false).1.len(), 1, "{:?}", fields(&wishes, false).1);
        assert_eq!(names(true), ["n", "response_format"]);
        assert_eq!(fields(&wishes, true).1.len(), 4, "what is kept back is told");
        let one = Wishes { n: None, ..wishes.clone() };
        assert!(fields(&one, false).0.contains(&("stream", true.into())));
    }

    #[test]
    fn prompts_have_bounds() {
        for wrong in [String::new(), "  \n".into(), "x".repeat(MAX_PROMPT + 1)] {
            assert_eq!(check_prompt(&wrong).unwrap_err().argument.as_deref(), Some("prompt"));
        }
        check_prompt(&"ü".repeat(MAX_PROMPT)).unwrap();
    }
}
