//! `image-tool doctor` with a provider.

use std::process::Output;

use crate::{
    fake_openai::{Dialect, FakeOpenAi, KEY},
    harness::Folder,
};

async fn doctor(folder: &Folder, settings: &[(&str, &str)], arguments: &[&str]) -> (bool, String) {
    let mut command = folder.command();
    command.arg("doctor").args(arguments).envs(settings.iter().copied());
    // The fake must answer while this waits.
    let output: Output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    (output.status.success(), String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tells_what_is_there_and_what_is_not() {
    let (folder, fake) = (Folder::new(), FakeOpenAi::start(Dialect::OpenAi).await);
    let base = fake.base_url();
    let (well, text) = doctor(&folder, &[], &[]).await;
    assert!(well && text.contains("note   provider: no OPENAI_API_KEY") && text.contains("ok     storage"), "{text}");
    assert!(text.contains("note   PUBLIC_URL: unset"), "{text}");

    let settings = [("OPENAI_API_KEY", KEY), ("OPENAI_BASE_URL", base.as_str()), ("OPENAI_VISION_MODEL", "gpt-4o")];
    let (well, text) = doctor(&folder, &settings, &["--live"]).await;
    assert!(well && text.contains("ok     provider"), "{text}");
    for told in [
        "note   OPENAI_VISION_MODEL: gpt-4o ",
        "OPENAI_EDIT_MODEL: the provider says that gpt-image-2.5-sunburst ends on 2027-06-01",
        "OPENAI_VISION_MODEL: gpt-4o is not in the provider's list",
        "note   budget: none",
        "ok     live: gpt-image-2.5-flare made an image of",
        "for $0.032",
    ] {
        assert!(text.contains(told), "{told} is missing in\n{text}");
    }
    let asked = fake.asked();
    let paths: Vec<&str> = asked.iter().map(|asked| asked.path.as_str()).collect();
    assert_eq!(paths, ["/v1/models", "/v1/images/generations"]);
    assert_eq!(asked[1].fields["quality"], "low");

    let wrong = [("OPENAI_API_KEY", "sk-wrong"), ("OPENAI_BASE_URL", base.as_str()), ("OCR_MODEL_DIR", "/nowhere")];
    let (well, text) = doctor(&folder, &wrong, &[]).await;
    assert!(!well && text.contains("WRONG  provider") && text.contains("WRONG  OCR_MODEL_DIR"), "{text}");
    assert!(!text.contains("sk-wrong"), "{text}");
}
