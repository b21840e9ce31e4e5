//! Pictures that are made, and what is said of them.

use image::{DynamicImage, GenericImageView, Rgb, RgbImage};
use serde_json::json;

use super::{CREATED, House, LOOKED, about, start};
use crate::{
    fake_openai::Fault,
    harness::{Folder, Server},
    images::{encoded, png},
};

#[tokio::test]
async fn the_examples_of_the_mission_work_word_for_word() {
    let house = House::open().await;
    let create = json!({"prompt": "A serene mountain lake at sunset", "size": "1536x1024", "output_format": "png"});
    let reply = house.server.call("create_image", create).await;
    let facts = reply.structured();
    assert_eq!((&facts["width"], &facts["height"], &facts["format"]), (&json!(1536), &json!(1024), &json!("png")));
    assert_eq!(
        (&facts["model"], &facts["name"]),
        (&json!("gpt-image-2.5-flare"), &json!("a-serene-mountain-lake-at-sunset.png"))
    );
    assert_eq!(facts["descriptions"], json!(["a disc"]));
    about(&facts["cost_usd"], CREATED + LOOKED);
    assert_eq!(reply.blocks("image").len(), 1);
    assert!(reply.text().contains("1536 × 1024 png"), "{}", reply.text());
    assert_eq!(house.pixels(&facts).await.dimensions(), (1536, 1024));

    let asked = json!({"image": facts["image_id"], "prompt": "What is this?"});
    let seen = house.server.ok("analyze_image", asked).await;
    assert_eq!((&seen["answer"], &seen["model"]["used"]), (&json!("a disc"), &json!(true)));
    assert!(seen["ignored"].as_array().unwrap().is_empty() && seen["palette"].is_array(), "{seen}");

    let edit = json!({"image": facts["image_id"], "prompt": "Add a boat", "output_format": "jpeg"});
    let edited = house.server.ok("edit_image", edit).await;
    assert_eq!((&edited["format"], &edited["parent"]), (&json!("jpeg"), &facts["image_id"]));
    assert_eq!(edited["model"], "gpt-image-2.5-sunburst");
    let listed = house.server.ok("list_images", json!({})).await;
    assert_eq!(listed["images"][0]["prompt"], "Add a boat");
    house.server.assert_idle().await;
}

#[tokio::test]
async fn without_a_key_each_says_what_it_needs() {
    let folder = Folder::new();
    folder.put("a.png", &png(64, 64));
    let server = Server::start(&folder);
    for (tool, arguments) in [
        ("create_image", json!({"prompt": "a cat"})),
        ("edit_image", json!({"image": "a.png", "prompt": "a cat"})),
        ("generate_variations", json!({"image": "a.png"})),
        ("describe_and_recreate", json!({"image": "a.png"})),
        ("prompt_from_image", json!({"image": "a.png"})),
        ("extract_text", json!({"image": "a.png", "engine": "model"})),
        ("compare_images", json!({"image_a": "a.png", "image_b": "a.png", "describe": true})),
    ] {
        let (kind, text) = server.fails(tool, arguments).await;
        assert_eq!(kind, "missing_api_key", "{tool}: {text}");
        assert!(text.contains("OPENAI_API_KEY"), "{tool}: {text}");
    }
    assert_eq!(server.ok("get_usage", json!({})).await["month"]["spent_usd"], 0.0);
    server.assert_idle().await;
}

#[tokio::test]
async fn only_the_boxes_change_and_the_rest_stays_to_the_last_bit() {
    let house = House::open().await;
    let old = RgbImage::from_fn(1024, 1024, |x, y| Rgb([(x / 4) as u8, (y / 4) as u8, 200]));
    house.folder.put("a.png", &encoded(&DynamicImage::from(old.clone()), image::ImageFormat::Png));
    let boxes = json!([{"x": 100, "y": 200, "width": 300, "height": 50}]);
    let facts = house.server.ok("edit_image", json!({"image": "a.png", "prompt": "a hat", "regions": boxes})).await;
    let new = house.pixels(&facts).await.to_rgb8();
    assert_eq!(new.dimensions(), (1024, 1024));
    let mut changed = 0;
    for (x, y, pixel) in new.enumerate_pixels() {
        let inside = (100..400).contains(&x) && (200..250).contains(&y);
        assert!(inside || pixel == old.get_pixel(x, y), "{x} {y}");
        changed += u32::from(pixel != old.get_pixel(x, y));
    }
    assert!(changed > 1000, "nothing changed in the box");
    let asked = house.paid().remove(0);
    assert_eq!(asked.files.iter().map(|file| file.part.as_str()).collect::<Vec<_>>(), ["image", "mask"]);
    // The fake paints everything anew, whatever the mask says.
    assert!(facts["ignored"][0].as_str().unwrap().starts_with("mask: "), "{facts}");
    let outside = json!([{"x": 5000, "y": 0, "width": 3, "height": 3}]);
    let (kind, text) =
        house.server.fails("edit_image", json!({"image": "a.png", "prompt": "x", "regions": outside})).await;
    assert!(kind == "invalid_argument" && text.contains("regions[0]"), "{text}");
    assert_eq!(house.paid().len(), 1, "what is wrong is told before it is paid for");
}

#[tokio::test]
async fn several_images_are_shown_together_and_named_one_by_one() {
    let house = House::with(&[("CONFIRM_ABOVE_USD", "100")]).await;
    house.folder.put("a.png", &png(640, 480));
    let vary = json!({"image": "a.png", "n": 3, "strength": "subtle", "keep": "the logo", "save_to": "out/v.png"});
    let reply = house.server.call("generate_variations", vary).await;
    let facts = reply.structured();
    let images = facts["images"].as_array().unwrap();
    assert_eq!((images.len(), reply.blocks("image").len()), (3, 1), "{}", reply.text());
    assert!(facts["image_id"].is_null());
    assert_eq!(images[2]["name"], "a-variation-3.png");
    let prompt = house.paid()[0].fields["prompt"].as_str().unwrap().to_owned();
    assert!(prompt.contains("the logo") && prompt.contains("small things"), "{prompt}");
    for name in ["v.png", "v-2.png", "v-3.png"] {
        assert!(house.folder.picture("out").join(name).exists(), "{name}");
    }
    assert_eq!(facts["saved_to"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn a_smart_edit_looks_plans_edits_and_checks() {
    let house = House::open().await;
    house.folder.put("a.png", &png(640, 480));
    let edit = json!({"image": "a.png", "prompt": "make it snow", "analyze_first": true});
    let facts = house.server.ok("edit_image", edit).await;
    let applied = facts["applied"].as_array().unwrap();
    assert_eq!(applied.len(), 3, "{facts}");
    // The fake's instruction is what the model that edits was told.
    assert_eq!((&house.paid()[0].fields["prompt"], &facts["prompt"]), (&json!("a disc"), &json!("a disc")));
    let looks = house.looks();
    let pictures = |asked: &crate::fake_openai::Asked| {
        let content = asked.fields["messages"][0]["content"].as_array().unwrap().clone();
        content.iter().filter(|part| part["type"] == "image_url").count()
    };
    assert_eq!(looks.iter().map(pictures).collect::<Vec<_>>(), [1, 2], "before: the original; after: both");
    house.fake.fail([
        Fault::Words(r#"{"instruction":"x"}"#),
        Fault::NoPartials,
        Fault::Words(r#"{"results":[{"description":"A dry field.","as_asked":false,"missing":"Snow."}]}"#),
    ]);
    let edit = json!({"image": "a.png", "prompt": "make it snow", "analyze_first": true, "fresh": true});
    let facts = house.server.ok("edit_image", edit).await;
    assert_eq!(facts["warnings"][0]["code"], "not_as_asked");
    assert_eq!(facts["descriptions"][0], "A dry field. Missing: Snow.");
}

#[tokio::test]
async fn an_image_becomes_words_and_words_an_image() {
    let house = House::open().await;
    house.folder.put("a.png", &png(640, 480));
    house.fake.fail([Fault::Words("A lighthouse on a cliff.")]);
    let recreate = json!({"image": "a.png", "style": "woodcut", "changes": "at night", "describe": false});
    let facts = house.server.ok("describe_and_recreate", recreate).await;
    let asked = house.paid().remove(0);
    assert_eq!(asked.path, "/v1/images/generations");
    let prompt = asked.fields["prompt"].as_str().unwrap();
    assert!(
        prompt.starts_with("A lighthouse on a cliff.") && prompt.contains("woodcut") && prompt.contains("at night")
    );
    assert_eq!(facts["prompt"], prompt);
    assert!(facts["descriptions"].is_null() && house.looks().len() == 1);
    let prompts = json!({"image": "a.png", "target": "sdxl", "length": "short", "n": 2});
    let facts = house.server.ok("prompt_from_image", prompts).await;
    assert_eq!((&facts["prompts"][0], &facts["negative_prompt"]), (&json!("a disc"), &json!("a disc")));
    about(&facts["cost_usd"], LOOKED);
}

#[tokio::test]
async fn transparency_is_looked_for_in_the_pixels() {
    let house = House::open().await;
    let create = json!({"prompt": "a logo", "background": "transparent"});
    let facts = house.server.ok("create_image", create.clone()).await;
    assert!(facts["ignored"].as_array().unwrap().is_empty(), "{facts}");
    house.fake.fail([Fault::Opaque]);
    let facts = house.server.ok("create_image", json!({"prompt": "another", "background": "transparent"})).await;
    assert!(facts["ignored"][0].as_str().unwrap().starts_with("background: "), "{facts}");
}

#[tokio::test]
async fn shapes_models_and_mistakes_are_told_before_anybody_pays() {
    let house = House::open().await;
    let wide =
        house.server.ok("create_image", json!({"prompt": "a", "aspect_ratio": "16:9", "model": "gpt-image-1"})).await;
    assert_eq!((&wide["width"], &wide["height"]), (&json!(1680), &json!(944)));
    assert!(wide["model_note"].as_str().unwrap().contains("gpt-image-1 was shut down on 2026-10-23"), "{wide}");
    for (arguments, argument, hint) in [
        (json!({"prompt": "a", "size": "512x512"}), "size", "816x816"),
        (json!({"prompt": " "}), "prompt", "characters"),
        (json!({"prompt": "a", "aspect_ratio": "9:1"}), "aspect_ratio", "3:1"),
        (json!({"prompt": "a", "quality": "hd"}), "quality", "auto"),
        (json!({"prompt": "a", "n": 11}), "n", "10"),
        (json!({"prompt": "a", "background": "transparent", "output_format": "jpeg"}), "background", "png"),
        (json!({"prompt": "a", "model": "gpt-6-luna"}), "model", "gpt-image-2"),
        (json!({"prompt": "a", "save_to": "a.jpg", "output_format": "png"}), "output_format", "save_to"),
        (json!({"prompt": "a", "overwrite": true}), "overwrite", "save_to"),
        (json!({"prompt": "a", "reference_images": ["nowhere.png"]}), "reference_images[0]", "allowed folders"),
    ] {
        let reply = house.server.call("create_image", arguments.clone()).await;
        assert_eq!(reply.structured()["error"]["argument"], argument, "{arguments}: {}", reply.text());
        assert!(reply.text().contains(hint), "{arguments}: {}", reply.text());
    }
    for arguments in [json!({"prompt": "x"}), json!({"prompt": "x", "image": "a.png", "images": ["a.png"]})] {
        assert_eq!(house.server.fails("edit_image", arguments).await.0, "invalid_argument");
    }
    assert_eq!(house.paid().len(), 1);
    about(&json!(house.spent().await), CREATED + LOOKED);
}

#[tokio::test]
async fn what_is_paid_for_is_handed_on_even_if_nobody_can_describe_or_save_it() {
    let house = House::open().await;
    house.folder.put("taken.png", &png(8, 8));
    house.fake.fail([Fault::NoPartials, Fault::Refusal]);
    let facts = house.server.ok("create_image", json!({"prompt": "a", "save_to": "taken.png"})).await;
    let codes: Vec<&str> = facts["warnings"].as_array().unwrap().iter().map(|w| w["code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["not_described", "not_saved"], "{facts}");
    assert!(facts["image_id"].is_string());
    about(&facts["cost_usd"], CREATED);
}

#[tokio::test]
async fn health_warns_of_models_that_end() {
    let (folder, fake) =
        (Folder::new(), crate::fake_openai::FakeOpenAi::start(crate::fake_openai::Dialect::OpenAi).await);
    let server = start(&folder, &fake, &[("OPENAI_IMAGE_MODEL", "dall-e-3")]);
    let health: serde_json::Value = server.get("/health").await.json().await.unwrap();
    assert_eq!((&health["status"], &health["models"][0]["variable"]), (&json!("ok"), &json!("OPENAI_IMAGE_MODEL")));
    let usage = server.ok("get_usage", json!({})).await;
    assert!(usage["model_warnings"][0].as_str().unwrap().contains("dall-e-3 was shut down"), "{usage}");
    let flare = usage["models"].as_array().unwrap().iter().find(|model| model["name"] == "gpt-6-luna").unwrap().clone();
    assert_eq!(flare["default_for"], json!(["analyze_image"]));
}
