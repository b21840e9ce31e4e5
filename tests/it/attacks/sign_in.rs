//! Passwords, set-up, forms, consent, cookies.

use std::time::Instant;

use crate::site::{ALL, App, PASSWORD, Person, Site, hidden};

#[tokio::test]
async fn a12_guessing_passwords_is_slowed_down_and_tells_nothing() {
    for site in Site::both(&[]).await {
        let mut person = Person::new(&site);
        let wrong = person.sign_in("owner", "wrong password").await;
        let nobody = person.sign_in("nobody", "wrong password").await;
        assert_eq!((wrong.status, nobody.status), (403, 403), "{}", wrong.body);
        let without_form = |body: &str| body.split("role=\"alert\"").nth(1).unwrap()[..80].to_owned();
        assert_eq!(without_form(&wrong.body), without_form(&nobody.body));
        for _ in 0..8 {
            assert_eq!(person.sign_in("owner", "wrong password").await.status, 403);
        }
        let stopped = person.sign_in("owner", PASSWORD).await;
        assert_eq!(stopped.status, 429, "even with the right one");
        assert!(stopped.header("retry-after").parse::<u64>().unwrap() <= 900);
        site.stop().await;
    }
}

#[tokio::test]
async fn a12_an_unknown_name_takes_as_long_as_a_wrong_password() {
    let site = Site::here_with(&[("TRUSTED_PROXY_HOPS", "1")]).await;
    let mut person = Person::new(&site);
    let page = person.get("/login").await;
    let code = hidden(&page.body, "code");
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..5 {
        for (which, name) in ["owner", "nobody"].into_iter().enumerate() {
            let begun = Instant::now();
            person.submit("/login", &[("name", name), ("password", "wrong password"), ("code", &code)]).await;
            times[which].push(begun.elapsed());
        }
    }
    let [known, unknown] = times.map(|mut times| {
        times.sort_unstable();
        times[0]
    });
    // Both hash once; without that, the unknown one would be some twenty times as fast.
    assert!(unknown * 4 > known && known * 4 > unknown, "{known:?} {unknown:?}");
}

#[tokio::test]
async fn a14_before_there_is_an_owner_nobody_gets_in() {
    for site in Site::both(&[("OWNER_PASSWORD", "")]).await {
        let app = App::register(&site).await;
        let answer = site.get(&app.request(&[]), &[]).await;
        assert_eq!((answer.status, answer.header("location")), (503, ""));
        assert!(answer.body.contains("not set up"));
        assert_eq!(site.get("/oauth/status", &[]).await.json()["setup_required"], true);
        assert_eq!(site.get("/login", &[]).await.header("location"), "/setup");
        assert_eq!(site.mcp(None).await.status, 401);
        site.stop().await;
    }
}

#[tokio::test]
async fn a13_a_setup_code_cannot_be_guessed_and_works_once() {
    let site = Site::program_with(&[("OWNER_PASSWORD", "")]).await;
    let first = site.log.setup_code();
    let mut person = Person::new(&site);
    let form = hidden(&person.get("/setup").await.body, "code");
    for _ in 0..5 {
        let fields = [("code", form.as_str()), ("setup_code", "BBBB-BBBB-BBBB"), ("password", "a new long password")];
        assert_ne!(person.submit("/setup", &fields).await.status, 303);
    }
    // After five wrong ones, there is another.
    let second = site.log.wait(|log| {
        let code = &log.rsplit_once("code ")?.1[..14];
        (code != first).then(|| code.to_owned())
    });
    let attempt = |code: String, password: &'static str| {
        let site = &site;
        async move {
            let mut person = Person::new(site);
            let form = hidden(&person.get("/setup").await.body, "code");
            let fields = [("code", form.as_str()), ("setup_code", &code), ("password", password)];
            person.submit("/setup", &fields).await.status
        }
    };
    assert_ne!(attempt(first, "the old code password").await, 303);
    let (one, two) =
        tokio::join!(attempt(second.clone(), "password of the one"), attempt(second.clone(), "password of the other"));
    assert_eq!([one, two].iter().filter(|status| **status == 303).count(), 1, "{one} {two}");
    let right = if one == 303 { "password of the one" } else { "password of the other" };
    assert_eq!(Person::new(&site).sign_in("owner", right).await.status, 303);
    assert!(!site.get("/setup", &[]).await.body.contains("setup_code"), "closed");
    assert_eq!(site.get("/oauth/status", &[]).await.json()["setup_required"], false);
}

#[tokio::test]
async fn a15_a_form_must_come_from_our_own_page_in_this_browser() {
    for site in Site::both(&[]).await {
        let app = App::register(&site).await;
        let mut owner = Person::owner(&site).await;
        let mut stranger = Person::owner(&site).await;
        let page = owner.consent(&app.request(&[])).await;
        let foreign = hidden(&stranger.get("/account").await.body, "code");
        let (code, transaction) = (hidden(&page.body, "code"), hidden(&page.body, "transaction"));
        let cookie = owner.cookie();
        let own = site.url.clone();
        for (code, origin) in [
            ("", Some(own.as_str())),
            (&foreign, Some(&own)),
            (&code, None),
            (&code, Some("null")),
            (&code, Some("https://evil.example")),
            (&code, Some(&format!("{own}.evil.example"))),
            (&code, Some(&own.replace("127.0.0.1", "localhost"))),
        ] {
            let mut headers = vec![("cookie", cookie.as_str())];
            headers.extend(origin.map(|origin| ("origin", origin)));
            let fields = [("code", code), ("transaction", &transaction), ("decision", "approve"), ("scope_read", "on")];
            let answer = site.post("/oauth/authorize", &headers, &fields).await;
            assert_eq!((answer.status, answer.header("location")), (403, ""), "{origin:?}");
            for path in ["/logout", "/account/password", "/account/apps/revoke", "/account/sessions/end", "/login"] {
                assert_eq!(site.post(path, &headers, &[("code", code)]).await.status, 403, "{path} {origin:?}");
            }
        }
        assert!(owner.decide(&page, "approve", ALL).await.sent("code").is_some(), "the right form still works");
        site.stop().await;
    }
}

#[tokio::test]
async fn a16_consent_can_be_given_once_and_for_what_was_asked() {
    let site = Site::here().await;
    let app = App::register(&site).await;
    let mut owner = Person::owner(&site).await;
    let page = owner.consent(&app.request(&[("scope", "read")])).await;
    assert!(!page.body.contains("scope_write"), "only what was asked for is offered");
    let (code, transaction) = (hidden(&page.body, "code"), hidden(&page.body, "transaction"));
    let mut stranger = Person::owner(&site).await;
    let theirs = hidden(&stranger.get("/account").await.body, "code");
    let fields =
        [("code", theirs.as_str()), ("transaction", &transaction), ("decision", "approve"), ("scope_read", "on")];
    assert_eq!(stranger.submit("/oauth/authorize", &fields).await.status, 400, "of another browser");
    let more = [
        ("code", code.as_str()),
        ("transaction", &transaction),
        ("decision", "approve"),
        ("scope_read", "on"),
        ("scope_write", "on"),
        ("scope_image_processing", "on"),
        ("scope_admin", "on"),
        ("redirect_uri", "https://evil.example/"),
        ("client_id", "itc_evil"),
    ];
    let answer = owner.submit("/oauth/authorize", &more).await;
    assert!(answer.header("location").starts_with("https://app.example/callback?"));
    let tokens = crate::site::Tokens::of(&app.redeem(&answer.sent("code").unwrap(), &[]).await);
    assert_eq!(tokens.scope, "read");
    assert_eq!(owner.submit("/oauth/authorize", &more).await.status, 400, "once");
    let page = owner.consent(&app.request(&[])).await;
    assert_eq!(owner.decide(&page, "approve", "none").await.sent("error").as_deref(), Some("access_denied"));
    let page = owner.consent(&app.request(&[])).await;
    site.later(601);
    assert_eq!(owner.decide(&page, "approve", ALL).await.status, 400, "ten minutes");
}

#[tokio::test]
async fn a17_looking_grants_nothing_and_everybody_is_asked_every_time() {
    for site in Site::both(&[]).await {
        let app = App::register(&site).await;
        let mut owner = Person::owner(&site).await;
        for _ in 0..2 {
            let page = owner.consent(&app.request(&[("prompt", "none"), ("decision", "approve")])).await;
            assert_eq!((page.status, page.header("location")), (200, ""), "a page, not a code");
            assert!(page.body.contains("Approve") && page.body.contains("Deny"));
            assert!(owner.decide(&page, "approve", ALL).await.sent("code").is_some());
        }
        site.stop().await;
    }
}

#[tokio::test]
async fn a18_a_session_is_new_at_sign_in_and_ends_at_sign_out() {
    let site = Site::here().await;
    let mut owner = Person::new(&site);
    owner.cookies.insert("it_session".into(), "local~planted".into());
    assert_eq!(owner.sign_in("owner", PASSWORD).await.status, 303);
    let first = owner.cookies["it_session"].clone();
    assert_ne!(first, "local~planted");
    assert_eq!(owner.sign_in("owner", PASSWORD).await.status, 303);
    let second = owner.cookies["it_session"].clone();
    assert_ne!(first, second);
    let with = async |session: &str| {
        let mut person = Person::new(&site);
        person.cookies.insert("it_session".into(), session.into());
        person.get("/account").await.status
    };
    assert_eq!((with(&first).await, with(&second).await), (303, 200), "the one before is dead");
    let code = hidden(&owner.get("/account").await.body, "code");
    assert_eq!(owner.submit("/logout", &[("code", &code)]).await.status, 303);
    assert_eq!(with(&second).await, 303);
    let mut owner = Person::owner(&site).await;
    site.later(8 * 3600 + 1);
    assert_eq!(owner.get("/account").await.status, 303, "eight hours");
}

#[tokio::test]
async fn a19_no_page_can_be_framed_or_scripted() {
    for site in Site::both(&[]).await {
        let app = App::register(&site).await;
        let mut owner = Person::owner(&site).await;
        let consent = owner.consent(&app.request(&[])).await;
        let account = owner.get("/account").await;
        let login = site.get("/login", &[]).await;
        let refused = site.get("/oauth/authorize?client_id=x", &[]).await;
        for page in [consent, account, login, refused] {
            let policy = page.header("content-security-policy");
            assert!(policy.starts_with("default-src 'none';"), "{policy}");
            for part in ["frame-ancestors 'none'", "base-uri 'none'", "style-src 'nonce-"] {
                assert!(policy.contains(part), "{policy}");
            }
            // It would stop the way back to apps that go on to an address of their own.
            assert!(!policy.contains("form-action") && !policy.contains("unsafe-"), "{policy}");
            assert_eq!(page.header("x-frame-options"), "DENY");
            assert_eq!(page.header("cache-control"), "no-store");
            assert_eq!(page.header("x-content-type-options"), "nosniff");
            assert!(
                !page.body.contains("<script") && !page.body.contains(" style=") && !page.body.contains("http-equiv")
            );
            let nonce = policy.split_once("'nonce-").unwrap().1.split_once('\'').unwrap().0;
            assert!(page.body.contains(&format!("<style nonce=\"{nonce}\">")));
        }
        site.stop().await;
    }
}

#[tokio::test]
async fn a20_the_name_of_an_app_is_only_text() {
    let site = Site::here().await;
    let name = "<script>alert(1)</script>\u{202e}\u{200b}\"'>&<img src=https://evil.example/x>";
    let body = serde_json::json!({
        "client_name": name,
        "logo_uri": "https://evil.example/logo.png",
        "client_uri": "https://evil.example/",
        "redirect_uris": ["https://app.example/callback"],
    });
    let answer = site.post_json("/oauth/register", &[], &body.to_string()).await;
    let id = answer.json()["client_id"].as_str().unwrap().to_owned();
    let app = App { site: &site, id, redirect: "https://app.example/callback".into() };
    let mut owner = Person::owner(&site).await;
    let page = owner.consent(&app.request(&[])).await;
    assert!(!page.body.contains("<script") && !page.body.contains("<img"), "{}", page.body);
    assert!(!page.body.contains(['\u{202e}', '\u{200b}']));
    assert!(!page.body.contains("evil.example/logo") && page.body.contains("app.example"));
    assert!(page.body.contains("self-reported"));
    owner.decide(&page, "approve", ALL).await;
}

#[tokio::test]
async fn a21_cookies_are_for_this_host_and_for_no_script() {
    let site = Site::here_with(&[("PUBLIC_URL", "https://it.example")]).await;
    let page = site.get("/login", &[("host", "it.example")]).await;
    let cookie = page.header("set-cookie");
    assert!(cookie.starts_with("__Host-it_browser="), "{cookie}");
    for part in ["; HttpOnly", "; Secure", "; SameSite=Lax", "; Path=/"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert!(!cookie.contains("Domain"));
    let browser = cookie.split(';').next().unwrap();
    let fields = [("name", "owner"), ("password", PASSWORD), ("code", &hidden(&page.body, "code"))];
    let headers = [("host", "it.example"), ("origin", "https://it.example"), ("cookie", browser)];
    let answer = site.post("/login", &headers, &fields).await;
    assert_eq!(answer.status, 303, "{}", answer.body);
    let cookie = answer.header("set-cookie");
    assert!(cookie.starts_with("__Host-it_session=") && cookie.contains("; Secure"), "{cookie}");
}

#[tokio::test]
async fn a22_the_way_back_is_a_303_that_tells_nobody() {
    let site = Site::here().await;
    let app = App::register(&site).await;
    let mut owner = Person::owner(&site).await;
    let page = owner.consent(&app.request(&[])).await;
    // With no-referrer, browsers would send `Origin: null` with the form.
    assert_eq!(page.header("referrer-policy"), "same-origin");
    let answer = owner.decide(&page, "approve", ALL).await;
    assert_eq!(answer.status, 303);
    assert_eq!((answer.header("referrer-policy"), answer.header("cache-control")), ("no-referrer", "no-store"));
}

#[tokio::test]
async fn a23_sign_in_leads_to_our_own_pages_only() {
    let site = Site::here().await;
    for (return_to, wanted) in [
        ("/account", "/account"),
        ("/oauth/authorize?transaction=abc", "/oauth/authorize?transaction=abc"),
        ("https://evil.example/", "/account"),
        ("//evil.example/", "/account"),
        ("/\\evil.example/", "/account"),
        ("/\t/evil.example/", "/account"),
        ("/account/../../evil", "/account"),
        ("javascript:alert(1)", "/account"),
        ("/oauth/authorize?transaction=abc\r\nX: y", "/account"),
        ("/oauth/authorize?client_id=x", "/account"),
        ("", "/account"),
    ] {
        let mut owner = Person::new(&site);
        let code = hidden(&owner.get("/login").await.body, "code");
        let fields = [("name", "owner"), ("password", PASSWORD), ("code", &code), ("return_to", return_to)];
        let answer = owner.submit("/login", &fields).await;
        assert_eq!((answer.status, answer.header("location")), (303, wanted), "{return_to:?}");
    }
}
