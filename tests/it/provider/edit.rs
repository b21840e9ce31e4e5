//! Pictures from pictures: the parts of the form, and masks.

use bytes::Bytes;
use common::{FailureKind, Usd, generation::Wishes};
use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use worker::provider::Edit;

use super::{nobody, openai, some};
use crate::{
    fake_openai::{Asked, Fault},
    images::{disc, encoded, gradient, jpeg, png},
};

fn edit(images: impl IntoIterator<Item = Vec<u8>>) -> Edit {
    let images = images.into_iter().map(Bytes::from).collect();
    Edit { prompt: "Make it blue".into(), images, ..Edit::default() }
}

/// Name, file name and type of each file.
fn parts(asked: &Asked) -> Vec<(&str, &str, &str)> {
    asked.files.iter().map(|file| (&*file.part, &*file.name, file.media_type.as_deref().unwrap_or("none"))).collect()
}

fn decoded(bytes: &[u8]) -> DynamicImage {
    image::load_from_memory(bytes).unwrap()
}

#[tokio::test]
async fn one_picture_is_the_part_image() {
    let (fake, provider) = openai().await;
    let made = provider.edit(&edit([jpeg(64, 48)]), &nobody).await.unwrap();
    let asked = fake.asked_once();
    assert_eq!(asked.path, "/v1/images/edits");
    assert_eq!(asked.fields, serde_json::json!({"model": "gpt-image-2.5-sunburst", "prompt": "Make it blue"}));
    assert_eq!(parts(&asked), [("image", "image-1.jpg", "image/jpeg")]);
    // 10 tokens of text at $5, 1000 of a picture at $8, 1056 of a picture at $30 a million.
    assert_eq!(made.cost, Some(Usd::from_nanos(10 * 5000 + 1000 * 8000 + 1056 * 30_000)));
}

#[tokio::test]
async fn several_pictures_are_a_list_and_each_says_truly_what_it_is() {
    let (fake, provider) = openai().await;
    let webp = encoded(&gradient(40, 40), ImageFormat::WebP);
    let tiff = encoded(&gradient(40, 30), ImageFormat::Tiff);
    let mut ask = edit([png(32, 32), jpeg(32, 32), webp, tiff]);
    ask.wishes = Wishes { n: Some(2), size: some("1536x1024"), output_format: some("jpeg"), ..Wishes::default() };
    ask.wishes.output_compression = Some(70);
    let made = provider.edit(&ask, &nobody).await.unwrap();
    let asked = fake.asked_once();
    assert_eq!(
        parts(&asked),
        [
            ("image[]", "image-1.png", "image/png"),
            ("image[]", "image-2.jpg", "image/jpeg"),
            ("image[]", "image-3.png", "image/png"),
            ("image[]", "image-4.png", "image/png"),
        ]
    );
    assert_eq!((&asked.fields["n"], &asked.fields["output_compression"]), (&"2".into(), &"70".into()));
    assert_eq!(made.images.len(), 2);
    assert_eq!((decoded(&made.images[0]).width(), decoded(&asked.files[3].bytes).height()), (1536, 30));
}

#[tokio::test]
async fn sixteen_pictures_are_the_most() {
    let (fake, provider) = openai().await;
    for count in [0, 17] {
        let failure = provider.edit(&edit(vec![png(8, 8); count]), &nobody).await.unwrap_err();
        assert_eq!((failure.kind, failure.argument.as_deref()), (FailureKind::InvalidArgument, Some("images")));
    }
    assert!(fake.asked().is_empty());
    provider.edit(&edit(vec![png(8, 8); 16]), &nobody).await.unwrap();
    assert_eq!(fake.asked_once().files.len(), 16);
}

#[tokio::test]
async fn a_picture_that_cannot_be_read_is_told_by_its_place() {
    let (fake, provider) = openai().await;
    let failure = provider.edit(&edit([png(8, 8), b"hello".to_vec()]), &nobody).await.unwrap_err();
    assert_eq!(
        (failure.kind, failure.argument.as_deref()),
        (FailureKind::UnsupportedFormat, Some("images[1]")),
        "{failure}"
    );
    assert!(fake.asked().is_empty());
}

#[tokio::test]
async fn larger_than_any_result_is_made_smaller_first() {
    let (fake, provider) = openai().await;
    provider.edit(&edit([jpeg(4800, 1200)]), &nobody).await.unwrap();
    let sent = decoded(&fake.asked_once().files[0].bytes);
    assert_eq!((sent.width(), sent.height()), (3840, 960));
}

#[tokio::test]
async fn a_black_and_white_mask_of_another_size_becomes_what_the_provider_wants() {
    let (fake, provider) = openai().await;
    let half = RgbImage::from_fn(50, 25, |x, _| if x < 25 { Rgb([255; 3]) } else { Rgb([0; 3]) });
    let mut ask = edit([jpeg(200, 100), png(30, 30)]);
    ask.mask = Some(encoded(&half.into(), ImageFormat::Jpeg).into());
    provider.edit(&ask, &nobody).await.unwrap();
    let asked = fake.asked_once();
    assert_eq!(parts(&asked)[2], ("mask", "mask.png", "image/png"));
    let mask = decoded(&asked.files[2].bytes).to_rgba8();
    let alpha = |x| mask.get_pixel(x, 50).0[3];
    // White may change, so it is transparent.
    assert_eq!((mask.dimensions(), alpha(20), alpha(180)), ((200, 100), 0, 255));
}

#[tokio::test]
async fn a_transparent_mask_is_taken_as_it_is_and_an_empty_one_is_a_mistake() {
    let (fake, provider) = openai().await;
    let mut ask = edit([png(60, 60)]);
    ask.mask = Some(disc(60).into());
    provider.edit(&ask, &nobody).await.unwrap();
    let mask = decoded(&fake.asked_once().files[1].bytes).to_rgba8();
    assert_eq!((mask.get_pixel(0, 0).0[3], mask.get_pixel(30, 30).0[3]), (0, 255));
    ask.mask = Some(encoded(&RgbImage::new(60, 60).into(), ImageFormat::Png).into());
    let failure = provider.edit(&ask, &nobody).await.unwrap_err();
    assert_eq!((failure.kind, failure.argument.as_deref()), (FailureKind::InvalidArgument, Some("mask")));
    fake.asked_once();
}

#[tokio::test]
async fn a_mask_that_is_too_detailed_is_not_sent() {
    let (fake, provider) = openai().await;
    let mut state = 1_u32;
    let mut noise = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        image::Luma([(state >> 24) as u8])
    };
    let noise = image::GrayImage::from_fn(2300, 2300, |_, _| noise());
    let mut ask = edit([jpeg(2300, 2300)]);
    ask.mask = Some(encoded(&noise.into(), ImageFormat::Png).into());
    let failure = provider.edit(&ask, &nobody).await.unwrap_err();
    assert_eq!((failure.kind, failure.argument.as_deref()), (FailureKind::TooLarge, Some("mask")));
    assert!(fake.asked().is_empty());
}

/// Where `mask` lets nothing change, the picture is put back, whatever the model made of it.
#[tokio::test]
async fn what_the_mask_protects_is_put_back() {
    let (fake, provider) = openai().await;
    let red = RgbImage::from_pixel(1024, 1024, Rgb([255, 0, 0]));
    let half = RgbImage::from_fn(64, 64, |x, _| if x < 32 { Rgb([255; 3]) } else { Rgb([0; 3]) });
    let mut ask = edit([encoded(&red.into(), ImageFormat::Png)]);
    ask.mask = Some(encoded(&half.into(), ImageFormat::Png).into());
    ask.preserve_outside_mask = true;
    let made = provider.edit(&ask, &nobody).await.unwrap();
    assert_eq!(fake.asked_once().fields["size"], "1024x1024", "of the shape of the picture");
    let picture = decoded(&made.images[0]).to_rgb8();
    assert_eq!(picture.dimensions(), (1024, 1024));
    assert!(made.ignored[0].starts_with("mask: "), "the fake paints all of it: {:?}", made.ignored);
    assert_eq!(picture.get_pixel(900, 100), &Rgb([255, 0, 0]), "put back");
    assert_ne!(picture.get_pixel(100, 900), &Rgb([255, 0, 0]), "made");
    // What has another shape cannot be put together, and that is told.
    ask.wishes.size = some("1536x1024");
    let made = provider.edit(&ask, &nobody).await.unwrap();
    assert!(made.ignored[0].starts_with("preserve_outside_mask"), "{:?}", made.ignored);
    assert_eq!(decoded(&made.images[0]).width(), 1536, "it was paid for");
}

#[tokio::test]
async fn the_form_is_made_anew_for_each_attempt() {
    let (fake, provider) = openai().await;
    fake.fail([Fault::rate_limit(), Fault::rate_limit()]);
    let mut ask = edit([png(64, 64)]);
    ask.mask = Some(disc(64).into());
    provider.edit(&ask, &nobody).await.unwrap();
    let asked = fake.asked();
    assert_eq!(asked.len(), 3);
    for again in &asked {
        assert_eq!((parts(again), &again.fields), (parts(&asked[0]), &asked[0].fields));
        assert!(again.files.iter().zip(&asked[0].files).all(|(one, other)| one.bytes == other.bytes));
    }
}

#[tokio::test]
async fn what_only_older_models_take_is_not_sent_to_newer_ones() {
    let (fake, provider) = openai().await;
    let mut ask = edit([png(16, 16)]);
    ask.wishes.input_fidelity = some("high");
    let failure = provider.edit(&ask, &nobody).await.unwrap_err();
    assert_eq!(failure.argument.as_deref(), Some("input_fidelity"));
    ask.wishes = Wishes { moderation: some("low"), ..Wishes::default() };
    assert_eq!(provider.edit(&ask, &nobody).await.unwrap_err().argument.as_deref(), Some("moderation"));
    assert!(fake.asked().is_empty());
    ask.wishes = Wishes { partial_images: Some(1), ..Wishes::default() };
    let made = provider.edit(&ask, &nobody).await.unwrap();
    assert_eq!((made.images.len(), &fake.asked_once().fields["stream"]), (1, &"true".into()));
}
