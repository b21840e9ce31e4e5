//! Which languages the models that come with the program can read.

use common::{Warning, schema::clip};

/// Codes of ISO 639-1 that are written in the Latin script, and Chinese.
const READ: [&str; 46] = [
    "af", "az", "bs", "ca", "cs", "cy", "da", "de", "en", "es", "et", "eu", "fi", "fr", "ga", "gl", "hr", "hu", "id",
    "is", "it", "ku", "la", "lb", "lt", "lv", "mi", "ms", "mt", "nl", "no", "oc", "pl", "pt", "qu", "rm", "ro", "sk",
    "sl", "sq", "sv", "sw", "tl", "tr", "uz", "zh",
];

/// Says which of the languages that a caller expects cannot be read.
pub(crate) fn warning(languages: &[String]) -> Option<Warning> {
    let unread: Vec<String> = languages.iter().filter(|language| !is_read(language)).map(|text| clip(text)).collect();
    (!unread.is_empty()).then(|| {
        let text = format!(
            "Not among the languages that can be read here: {}. Text in another script comes out as wrong letters. The \
             codes that can be read: {}.",
            unread.join(", "),
            READ.join(", ")
        );
        Warning::new("language_not_supported", text)
    })
}

/// `de`, `de-AT` and `DE` are one language; one that is said to be in another script is not.
fn is_read(language: &str) -> bool {
    let mut parts = language.trim().split(['-', '_']);
    let code = parts.next().unwrap_or_default().to_ascii_lowercase();
    let foreign = ["cyrl", "arab", "grek", "hebr"];
    let other = parts.any(|part| foreign.contains(&part.to_ascii_lowercase().as_str()));
    !other
        && (READ.contains(&code.as_str()) || ["eng", "deu", "fra", "spa", "ita", "chi", "zho"].contains(&code.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_those_that_cannot_be_read_are_named() {
        let warning = |languages: &[&str]| warning(&languages.iter().map(|&code| code.to_owned()).collect::<Vec<_>>());
        assert!(warning(&["en", "de-AT", "zh_Hans", "FR"]).is_none() && warning(&[]).is_none());
        let text = warning(&["en", "ru", "az-Cyrl"]).unwrap().message;
        assert!(text.starts_with("Not among the languages that can be read here: ru, az-Cyrl."), "{text}");
    }
}
