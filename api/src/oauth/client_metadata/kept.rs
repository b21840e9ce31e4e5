//! Documents that were fetched, kept for as long as their servers said.

use std::{collections::HashMap, sync::Arc, time::Duration};

use super::ClientDocument;

/// Most documents that are kept.
const MOST: usize = 1000;

/// Documents by address.
#[derive(Debug, Default)]
pub(super) struct Kept(HashMap<String, Entry>);

#[derive(Debug)]
struct Entry {
    document: Arc<ClientDocument>,
    /// Milliseconds since 1970 (UTC), as all times here.
    since: i64,
    until: i64,
}

impl Kept {
    pub(super) fn get(&self, client_id: &str, now: i64) -> Option<Arc<ClientDocument>> {
        self.0.get(client_id).filter(|entry| entry.until > now).map(|entry| entry.document.clone())
    }

    pub(super) fn put(&mut self, client_id: &str, document: Arc<ClientDocument>, now: i64, keep_for: Duration) {
        self.0.retain(|_, entry| entry.until > now);
        if self.0.len() >= MOST
            && let Some(oldest) = self.0.iter().min_by_key(|(_, entry)| entry.since).map(|(id, _)| id.clone())
        {
            self.0.remove(&oldest);
        }
        let until = now.saturating_add(i64::try_from(keep_for.as_millis()).unwrap_or(i64::MAX));
        self.0.insert(client_id.to_owned(), Entry { document, since: now, until });
    }
}

/// How long an answer may be kept (RFC 9111, section 5.2.2): as long as it says, but neither so short that each
/// sign-in fetches it nor so long that a change goes unnoticed for more than a day.
pub(super) fn keep_for(cache_control: &str) -> Duration {
    const SHORTEST: u64 = 60;
    const USUAL: u64 = 3600;
    const LONGEST: u64 = 24 * 3600;
    let text = cache_control.to_ascii_lowercase();
    let mut directives = text.split(',').map(str::trim);
    if directives.clone().any(|directive| directive == "no-store" || directive == "no-cache") {
        return Duration::from_secs(SHORTEST);
    }
    let age = directives.find_map(|directive| directive.strip_prefix("max-age="));
    // More digits than fit into the number are a long time too.
    let seconds = age.map(|age| age.trim_matches('"')).filter(|age| age.bytes().all(|byte| byte.is_ascii_digit()));
    Duration::from_secs(seconds.map_or(USUAL, |age| age.parse().unwrap_or(u64::MAX)).clamp(SHORTEST, LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_kept_a_minute_to_a_day() {
        for (text, seconds) in [
            ("", 3600),
            ("public", 3600),
            ("max-age=1", 60),
            ("public, Max-Age=600", 600),
            ("max-age=\"600\"", 600),
            ("max-age=99999999999999999999999", 86400),
            ("max-age=-1", 3600),
            ("max-age=86400, no-store", 60),
            ("no-cache", 60),
        ] {
            assert_eq!(keep_for(text).as_secs(), seconds, "{text}");
        }
    }

    #[test]
    fn the_oldest_makes_room() {
        let document = Arc::new(ClientDocument { name: None, redirect_uris: vec![], domain: "app.example".into() });
        let mut kept = Kept::default();
        for number in 0..=MOST {
            kept.put(&number.to_string(), document.clone(), i64::try_from(number).unwrap(), Duration::from_secs(60));
        }
        assert_eq!(kept.0.len(), MOST);
        assert!(kept.get("0", 1000).is_none() && kept.get("1", 1000).is_some() && kept.get("1000", 1000).is_some());
        assert!(kept.get("1", 60_001).is_none(), "its time is over");
    }
}
