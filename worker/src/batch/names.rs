//! Names in an archive: such as every system can unpack, each once.

use std::collections::HashSet;

use common::naming::with_suffix;

/// The names that are taken.
#[derive(Debug, Default)]
pub struct Names(HashSet<String>);

impl Names {
    /// `wanted` as it can stand in an archive, with a number where another has that name. Some systems do not tell
    /// capitals from small letters.
    pub fn take(&mut self, wanted: &str) -> String {
        let clean = cleaned(wanted);
        let mut name = clean.clone();
        let mut number = 0;
        while !self.0.insert(name.to_lowercase()) {
            number += 1;
            name = with_suffix(&clean, number);
        }
        name
    }
}

fn cleaned(name: &str) -> String {
    let sound = |c: char| if c.is_control() || "\\:*?\"<>|".contains(c) { '_' } else { c };
    let steps = name.split('/').filter(|step| !step.is_empty()).map(|step| {
        let step: String = step.chars().map(sound).collect();
        // Windows drops what ends in these.
        let step = step.trim_end_matches(['.', ' ']);
        if step.is_empty() { "_".to_owned() } else { step.to_owned() }
    });
    let name = steps.collect::<Vec<_>>().join("/");
    if name.is_empty() { "image".into() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_clean_and_each_is_there_once() {
        let mut names = Names::default();
        for (wanted, name) in [
            ("a/b.jpg", "a/b.jpg"),
            ("A/B.jpg", "A/B-1.jpg"),
            ("a/b.jpg", "a/b-2.jpg"),
            ("/etc/passwd", "etc/passwd"),
            ("../../x", "_/_/x"),
            ("a\\b:c?.png", "a_b_c_.png"),
            ("manifest.jsonl", "manifest.jsonl"),
            ("", "image"),
        ] {
            assert_eq!(names.take(wanted), name, "{wanted}");
        }
    }
}
