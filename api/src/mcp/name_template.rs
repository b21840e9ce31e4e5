//! Templates for the names of batch results, such as `{dir}/{stem}-{width}.{ext}`.

use common::{Failure, schema::clip};

/// What a template may hold in braces; `{index:04}` pads to so many digits.
const PLACEHOLDERS: [&str; 8] = ["stem", "ext", "index", "dir", "width", "height", "hash8", "date"];

/// Checks a template; the worker fills it in.
///
/// # Errors
/// `invalid_argument` for `name`, naming the part at fault.
pub(super) fn check(template: &str) -> Result<(), Failure> {
    let wrong = |message: String| {
        Failure::invalid("name", message)
            .allowed("text with {stem} {ext} {index} {index:04} {dir} {width} {height} {hash8} {date}")
            .next("For example \"{stem}-{width}.{ext}\".")
    };
    let mut rest = template;
    while let Some(at) = rest.find(['{', '}']) {
        let (Some(end), true) = (rest[at..].find('}'), rest[at..].starts_with('{')) else {
            return Err(wrong("A brace in name has no partner.".into()));
        };
        let inside = &rest[at + 1..at + end];
        if !PLACEHOLDERS.contains(&inside) && !is_padded_index(inside) {
            return Err(wrong(format!("{{{}}} in name is no placeholder.", clip(inside))));
        }
        rest = &rest[at + end + 1..];
    }
    // A drive letter or a backslash means a folder elsewhere on some systems.
    let outside = template.replace("{index:", "").contains(['\\', ':'])
        || template.split('/').any(|part| matches!(part, "" | "." | ".."));
    if template.trim().is_empty() || outside || template.chars().any(char::is_control) {
        return Err(wrong("name must be a file name, or a relative path without \"..\".".into()));
    }
    Ok(())
}

fn is_padded_index(inside: &str) -> bool {
    matches!(inside.strip_prefix("index:0").map(str::as_bytes), Some([b'1'..=b'9']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_every_placeholder() {
        for template in [
            "{stem}.{ext}",
            "{dir}/{stem}-{width}x{height}.{ext}",
            "{index:04}-{hash8}.{ext}",
            "{date}_{index}.webp",
            "a",
        ] {
            assert!(check(template).is_ok(), "{template}");
        }
    }

    #[test]
    fn names_what_is_wrong() {
        for template in [
            "",
            "  ",
            "{name}.{ext}",
            "{stem",
            "stem}",
            "{{stem}}",
            "{index:4}",
            "{index:0x}",
            "../{stem}.{ext}",
            "/tmp/{stem}.{ext}",
            "a//b",
            "a\\b",
            "c:{stem}",
            "{stem}\n.{ext}",
            "{}",
        ] {
            assert_eq!(check(template).unwrap_err().argument.as_deref(), Some("name"), "{template:?}");
        }
    }
}
