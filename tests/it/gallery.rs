//! The gallery, over HTTP and in a real browser.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::{Value, json};

use crate::{
    chromium::Chromium,
    fake_openai::{Dialect, FakeOpenAi, KEY},
    harness::{Folder, Server},
    images::{jpeg, png},
    site::{ALL, App, Person, Site, Tokens, hidden},
};

/// Calls a tool as a connected app.
async fn call(site: &Site, tokens: &Tokens, tool: &str, arguments: Value) -> Value {
    let answer = site.mcp_call(Some(&tokens.access), "tools/call", json!({"name": tool, "arguments": arguments})).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()["result"]["structuredContent"].clone()
}

fn data_url(bytes: &[u8]) -> String {
    format!("data:image/png;base64,{}", BASE64_STANDARD.encode(bytes))
}

/// A site with an image of the owner and one made from it.
async fn furnished(site: &Site) -> (Tokens, String, String) {
    let tokens = App::register(site).await.connect().await;
    assert_eq!(tokens.scope, ALL);
    let first = call(site, &tokens, "transform_image", json!({"image": data_url(&png(64, 48)), "width": 32})).await;
    let first = first["image_id"].as_str().unwrap().to_owned();
    let steps = json!([{"op": "grayscale"}]);
    let second = call(site, &tokens, "transform_image", json!({"image": first, "steps": steps})).await;
    let second = second["image_id"].as_str().unwrap().to_owned();
    (tokens, first, second)
}

#[tokio::test]
async fn only_who_is_signed_in_sees_what_is_theirs() {
    let site = Site::program().await;
    let (_tokens, first, second) = furnished(&site).await;
    let pages = ["/gallery".to_owned(), format!("/gallery/images/{second}")];
    let files = ["thumbnail", "file", "delete"].map(|what| format!("/gallery/images/{second}/{what}"));
    let mut stranger = Person::new(&site);
    for page in &pages {
        let answer = stranger.get(page).await;
        assert_eq!((answer.status, answer.header("location")), (303, format!("/login?return_to={page}").as_str()));
    }
    for file in &files {
        assert_eq!(stranger.get(file).await.status, 303, "{file}");
    }
    let mut owner = Person::owner(&site).await;
    let list = owner.get("/gallery").await;
    assert_eq!(list.status, 200);
    let place = |body: &str, id: &str| body.find(&format!("/gallery/images/{id}\"")).unwrap();
    assert!(place(&list.body, &second) < place(&list.body, &first), "newest first");
    let policy = list.header("content-security-policy");
    assert!(policy.contains("default-src 'none'") && policy.contains("script-src 'nonce-"), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    let page = owner.get(&pages[1]).await;
    for part in ["Before", "grayscale", "Made from", &first, "Delete"] {
        assert!(page.body.contains(part), "{part} in {}", page.body);
    }
    let page = owner.get(&format!("/gallery/images/{first}")).await;
    assert!(page.body.contains("Made from this") && page.body.contains(&second));
    for (what, kind) in [("thumbnail", "image/"), ("file", "image/png")] {
        let answer = owner.get(&format!("/gallery/images/{first}/{what}")).await;
        assert!(answer.status == 200 && answer.header("content-type").starts_with(kind), "{what} {}", answer.status);
        assert_eq!(answer.header("cross-origin-resource-policy"), "same-origin");
    }
    let found = owner.get("/gallery?query=nothing+like+it").await.body;
    assert!(found.contains("Nothing was found") && !found.contains(&first));
    for missing in
        ["/gallery/images/img_0000000000000000", "/gallery/images/..%2f", "/gallery/batches/job_0000000000000000"]
    {
        assert_eq!(owner.get(missing).await.status, 404, "{missing}");
    }
}

#[tokio::test]
async fn deleting_asks_first_and_takes_no_foreign_form() {
    let site = Site::program().await;
    let (_tokens, first, second) = furnished(&site).await;
    let mut owner = Person::owner(&site).await;
    let address = format!("/gallery/images/{first}/delete");
    let page = owner.get(&address).await;
    assert!(page.body.contains("made from it stay"), "{}", page.body);
    assert_eq!(owner.submit(&address, &[]).await.status, 403, "without the code of the page");
    let code = hidden(&page.body, "code");
    let cookie = owner.cookie();
    let elsewhere = [("cookie", cookie.as_str()), ("origin", "https://evil.example")];
    assert_eq!(site.post(&address, &elsewhere, &[("code", &code)]).await.status, 403);
    assert_eq!(owner.get(&format!("/gallery/images/{first}")).await.status, 200, "it is still there");
    let done = owner.submit(&address, &[("code", &code)]).await;
    assert_eq!((done.status, done.header("location")), (303, "/gallery?done=deleted"));
    assert!(owner.get("/gallery?done=deleted").await.body.contains("The image is deleted."));
    assert_eq!(owner.get(&format!("/gallery/images/{first}")).await.status, 404);
    assert_eq!(owner.submit(&address, &[("code", &code)]).await.status, 404, "a second time");
    assert!(owner.get(&format!("/gallery/images/{second}")).await.body.contains("was deleted"));
}

#[tokio::test]
async fn with_sign_in_off_it_is_for_this_machine_only() {
    let folder = Folder::new();
    folder.put("a.png", &png(64, 48));
    let server = Server::start(&folder);
    let made = server.ok("transform_image", json!({"image": "a.png", "width": 8})).await;
    let page = server.get("/gallery").await;
    assert_eq!(page.status(), 200);
    assert!(page.text().await.unwrap().contains(made["image_id"].as_str().unwrap()));
    let http = reqwest::Client::new();
    let proxied = http.get(format!("{}/gallery", server.url)).header("x-forwarded-for", "203.0.113.9");
    assert_eq!(proxied.send().await.unwrap().status(), 403);
    let rebound = http.get(format!("{}/gallery", server.url)).header("host", "evil.example");
    assert_eq!(rebound.send().await.unwrap().status(), 403);
}

#[tokio::test]
async fn names_and_prompts_are_text_and_images_are_compared() {
    let Some(browser) = Chromium::start().await else { return };
    let fake = FakeOpenAi::start(Dialect::OpenAi).await;
    let base_url = fake.base_url();
    let folder = Folder::new();
    let server = Server::start_with(&folder, &[("OPENAI_API_KEY", KEY), ("OPENAI_BASE_URL", base_url.as_str())]);
    let evil = "<script>alert(1)</script><img src=x onerror=alert(2)>";
    let made = server.ok("create_image", json!({"prompt": evil, "size": "1024x1024"})).await;
    let id = made["image_id"].as_str().unwrap();
    let name = "\"><img src=x onerror=alert(3)>.png";
    folder.put(name, &png(640, 480));
    let named = server.ok("transform_image", json!({"image": name, "steps": [{"op": "flip"}]})).await;
    let edited = server.ok("transform_image", json!({"image": id, "steps": [{"op": "invert"}]})).await;
    for page in [
        "/gallery".to_owned(),
        format!("/gallery?query={}", "%22%3E%3Cimg+src%3Dx+onerror%3Dalert(4)%3E"),
        format!("/gallery/images/{id}"),
        format!("/gallery/images/{}", named["image_id"].as_str().unwrap()),
    ] {
        browser.open(&format!("{}{page}", server.url)).await;
        assert!(!browser.has_dialog().await, "{page}");
        assert_eq!(
            browser.run("return document.querySelectorAll('img[src=x], script:not([src])').length").await,
            0,
            "{page}"
        );
    }
    browser.open(&format!("{}/gallery/images/{id}", server.url)).await;
    assert_eq!(browser.run("return document.querySelector('blockquote').textContent").await, evil);

    // The slider lays one image over the other, and moves.
    browser.open(&format!("{}/gallery/images/{}", server.url, edited["image_id"].as_str().unwrap())).await;
    let loaded = "return [...document.images].every(image => image.complete && image.naturalWidth > 0)";
    browser.until(loaded).await;
    let shown = "return getComputedStyle(document.querySelector('.after')).clipPath";
    let middle = browser.run(shown).await;
    browser
        .run(
            "const slide = document.querySelector('.slide'); slide.value = 10; slide.dispatchEvent(new Event('input'))",
        )
        .await;
    assert_ne!(browser.run(shown).await, middle, "the slider moves nothing");
    let over = "const [a, b] = [...document.querySelectorAll('.compare img')].map(i => i.getBoundingClientRect());
        return Math.abs(a.left - b.left) + Math.abs(a.top - b.top) + Math.abs(a.width - b.width) < 2";
    assert_eq!(browser.run(over).await, true, "the images do not lie on each other");
    browser.quit().await;
}

#[tokio::test]
async fn a_batch_is_followed_while_it_runs() {
    let Some(browser) = Chromium::start().await else { return };
    let folder = Folder::new();
    for index in 0..12 {
        folder.put(&format!("in/{index:02}.jpg"), &jpeg(1600, 1200));
    }
    folder.put("in/broken.jpg", b"\xff\xd8\xff\xe0 no image");
    let server = Server::start_with(&folder, &[("WORKER_CONCURRENCY", "1")]);
    let steps = json!([{"op": "blur", "sigma": 8}]);
    let begun =
        server.ok("batch_process", json!({"source": {"folder": "in"}, "steps": steps, "wait_seconds": 0})).await;
    let job = begun["job_id"].as_str().unwrap();
    let page = begun["watch_url"].as_str().unwrap();
    assert_eq!(page, format!("{}/gallery/batches/{job}", server.url));
    browser.open(page).await;
    // No reload by hand: the script hears of it, and shows the images at the end.
    browser.run("window.mine = true").await;
    browser.until("return document.getElementById('state').textContent === 'Working' || window.mine !== true").await;
    browser
        .until("return document.getElementById('state').textContent === 'Finished' && document.images.length === 12")
        .await;
    let source = browser.source().await;
    assert!(source.contains("12 ok, 1 failed") && source.contains("broken.jpg"), "{source}");
    assert_eq!(browser.run("return document.querySelector('[data-events]')").await, Value::Null);
    server.assert_idle().await;
    // What a program hears that asks for the events of a batch that is over.
    let events = server.get(&format!("/gallery/batches/{job}/events")).await;
    assert_eq!(events.headers()["content-type"], "text/event-stream");
    let text = events.text().await.unwrap();
    assert!(
        text.starts_with("data: {") && text.contains("\"over\":true") && text.matches("data:").count() == 1,
        "{text}"
    );
    browser.quit().await;
}

#[tokio::test]
async fn the_gallery_fits_a_phone() {
    let Some(browser) = Chromium::start().await else { return };
    let folder = Folder::new();
    folder.put("a name that is so long that it would not fit on the screen of any phone.png", &png(640, 200));
    let server = Server::start(&folder);
    let long = "a name that is so long that it would not fit on the screen of any phone.png";
    let first = server.ok("transform_image", json!({"image": long, "width": 600})).await;
    let second = server.ok("transform_image", json!({"image": first["image_id"], "steps": [{"op": "sepia"}]})).await;
    let id = second["image_id"].as_str().unwrap();
    browser.as_phone().await;
    for page in ["/gallery".to_owned(), format!("/gallery/images/{id}"), format!("/gallery/images/{id}/delete")] {
        browser.open(&format!("{}{page}", server.url)).await;
        let too_wide = "return document.documentElement.scrollWidth > document.documentElement.clientWidth";
        assert_eq!(browser.run(too_wide).await, false, "{page} is wider than a phone");
        let unlabelled = "return [...document.querySelectorAll('input:not([type=hidden])')]
            .filter(field => field.labels.length === 0 && !field.ariaLabel && !field.getAttribute('aria-label')).map(field => field.className)";
        assert_eq!(browser.run(unlabelled).await, json!([]), "{page}");
        let small = "return [...document.querySelectorAll('button, .button, .slide')].filter(b => b.offsetHeight < 40).map(b => b.innerText)";
        assert_eq!(browser.run(small).await, json!([]), "{page} has buttons too small for a finger");
        assert_eq!(browser.run("return document.querySelectorAll('h1').length").await, 1, "{page}");
    }
    browser.quit().await;
}
