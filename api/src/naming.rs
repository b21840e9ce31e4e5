//! Names that strangers choose, made fit to be shown.

/// Most characters of a name that are shown.
const LONGEST_SHOWN: usize = 100;

/// Whether a character is unseen, or changes how those around it are read: control characters, bidirectional marks and
/// overrides, and letters of no width (Unicode Standard Annex #9; Unicode Technical Report #36, section 3).
pub(crate) fn deceptive(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// A name that a stranger chose, as a page may show it: nothing unseen, one line, not too long. Templates escape it.
pub(crate) fn shown_name(name: &str) -> String {
    let seen: String =
        name.chars().map(|c| if c.is_whitespace() { ' ' } else { c }).filter(|c| !deceptive(*c)).collect();
    let line = seen.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    match line.chars().count() {
        0 => "(no name)".to_owned(),
        length if length > LONGEST_SHOWN => line.chars().take(LONGEST_SHOWN - 1).chain(['…']).collect(),
        _ => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_can_be_seen() {
        for (name, shown) in [
            ("Claude", "Claude"),
            ("  Claude\n\tCode  ", "Claude Code"),
            ("\u{202e}edualC\u{202c}", "edualC"),
            ("Clau\u{200b}de\u{feff}", "Claude"),
            ("\u{200e}\u{0}", "(no name)"),
            ("Müller & Söhne <b>", "Müller & Söhne <b>"),
        ] {
            assert_eq!(shown_name(name), shown);
        }
        let long = shown_name(&"é".repeat(5000));
        assert!(long.chars().count() == LONGEST_SHOWN && long.ends_with('…'));
    }
}
