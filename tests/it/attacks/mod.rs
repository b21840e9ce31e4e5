//! The attacks that sign-in must withstand, numbered. Each test asserts what must happen instead. Those that matter most
//! run against the real program too.
//!
//! | numbers | where | about |
//! |---|---|---|
//! | 1–11 | `authorize.rs` | authorization requests |
//! | 12–23 | `sign_in.rs` | passwords, set-up, forms, consent, cookies |
//! | 24–29 | `code.rs` | authorization codes |
//! | 30–36 | `refresh.rs` | refresh tokens |
//! | 37–43 | `access.rs` | access tokens |
//! | 44–46 | `revoke.rs` | revocation, userinfo, status |
//! | 47–49 | `registration.rs` | dynamic registration |
//! | 50–55 | `api/src/oauth/client_metadata/` | metadata documents of clients, and the guard around fetching them |
//! | 56–63 | `server.rs` | the server as a whole |
//! | 64 | `api/src/tests/oidc.rs` | sign-in by another server |
//! | none | `beyond.rs` | what attackers found besides |

mod access;
mod authorize;
mod beyond;
mod code;
mod refresh;
mod registration;
mod revoke;
mod server;
mod sign_in;

use std::{collections::BTreeSet, fs, path::Path};

/// A number that nobody tests is a hole.
#[test]
fn every_attack_of_the_list_is_tested() {
    fn numbers(folder: &Path, found: &mut BTreeSet<u32>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                numbers(&path, found);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let text = fs::read_to_string(path).unwrap();
                let names = text.split("fn a").skip(1).filter_map(|rest| rest.get(..3));
                found.extend(names.filter_map(|number| number.strip_suffix('_')?.parse::<u32>().ok()));
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut found = BTreeSet::new();
    for folder in ["tests/it/attacks", "api/src"] {
        numbers(&root.join(folder), &mut found);
    }
    let missing: Vec<u32> = (1..=64).filter(|number| !found.contains(number)).collect();
    assert!(missing.is_empty(), "no test for {missing:?}");
}
