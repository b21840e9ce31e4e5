//! How the results of a batch are named: a template, and what happens when a name is taken.

use std::fmt::Write as _;

use crate::{Failure, schema::clip};

/// What a template may contain.
pub const PLACEHOLDERS: &str = "{stem} {ext} {index} {index:04} {dir} {width} {height} {hash8} {date}";

/// The name where none is given: the tree is kept.
pub const DEFAULT: &str = "{dir}/{stem}.{ext}";

/// A checked template.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Template {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
enum Part {
    Text(String),
    Stem,
    Ext,
    Index { width: usize },
    Dir,
    Width,
    Height,
    Hash8,
    Date,
}

/// What a name is made from.
#[derive(Clone, Debug)]
pub struct Named<'a> {
    /// The source's file name without its ending.
    pub stem: &'a str,
    /// The ending of the result without its dot.
    pub ext: &'a str,
    /// The place in the batch, from 0; names count from 1.
    pub index: u32,
    /// The source's folder below the folder that was given; empty for none.
    pub dir: &'a str,
    /// Pixels of the result.
    pub width: u32,
    /// Pixels of the result.
    pub height: u32,
    /// SHA-256 of the result, hexadecimal.
    pub sha256: &'a str,
    /// Day of the batch, `2026-11-22`.
    pub date: &'a str,
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// `invalid_argument` for `argument` if it has an unknown placeholder, or could name a place outside its folder.
    pub fn parse(text: &str, argument: &str) -> Result<Self, Failure> {
        let wrong = |message: String| {
            Failure::invalid(argument, message)
                .allowed(format!("a relative name with placeholders {PLACEHOLDERS}"))
                .next(format!("For example \"{DEFAULT}\" or \"{{dir}}/{{stem}}-{{width}}.{{ext}}\"."))
        };
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(open) = rest.find(['{', '}']) {
            let (before, from) = rest.split_at(open);
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            let inner = from.strip_prefix('{').and_then(|from| from.split_once('}'));
            let Some((name, after)) = inner else { return Err(wrong("The name has a brace without its pair.".into())) };
            parts.push(part(name).ok_or_else(|| wrong(format!("There is no placeholder {{{}}}.", clip(name))))?);
            rest = after;
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        let unsafe_text = |text: &str| text.chars().any(|c| c.is_control() || c == '\\' || c == ':');
        let leaves = text.starts_with('/') || text.split('/').any(|step| step.starts_with('.'));
        if parts.is_empty()
            || leaves
            || unsafe_text(&text.replace("{index:", ""))
            || text.ends_with('/')
            || text.len() > 200
        {
            return Err(wrong("The name is empty, too long, hidden, or leads out of its folder.".into()));
        }
        Ok(Self { parts })
    }

    /// The relative name of a result, with `/` between folders. It never leaves its folder.
    #[must_use]
    pub fn render(&self, named: &Named<'_>) -> String {
        let mut name = String::new();
        for part in &self.parts {
            let _ = match part {
                Part::Text(text) => name.write_str(text),
                Part::Stem => name.write_str(&plain(named.stem)),
                Part::Ext => name.write_str(named.ext),
                Part::Index { width } => write!(name, "{:0width$}", u64::from(named.index) + 1),
                Part::Dir => name.write_str(named.dir),
                Part::Width => write!(name, "{}", named.width),
                Part::Height => write!(name, "{}", named.height),
                Part::Hash8 => name.write_str(named.sha256.get(..8).unwrap_or_default()),
                Part::Date => name.write_str(named.date),
            };
        }
        let steps: Vec<String> = name.split('/').filter(|step| !step.is_empty()).map(visible).collect();
        if steps.is_empty() { "image".into() } else { steps.join("/") }
    }
}

fn part(name: &str) -> Option<Part> {
    Some(match name {
        "stem" => Part::Stem,
        "ext" => Part::Ext,
        "index" => Part::Index { width: 0 },
        "dir" => Part::Dir,
        "width" => Part::Width,
        "height" => Part::Height,
        "hash8" => Part::Hash8,
        "date" => Part::Date,
        other => {
            let digits = other.strip_prefix("index:0")?;
            Part::Index { width: digits.parse().ok().filter(|width| (1..=9).contains(width))? }
        }
    })
}

/// A file name from outside as part of one of ours: no separators, nothing that a terminal would obey.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() || "/\\:".contains(c) { '_' } else { c }).collect()
}

/// No step of a name is hidden or leads upwards.
fn visible(step: &str) -> String {
    let trimmed = step.trim_start_matches('.');
    if trimmed.is_empty() { "_".into() } else { trimmed.into() }
}

/// `photo.jpg` becomes `photo-2.jpg`.
#[must_use]
pub fn with_suffix(name: &str, number: u32) -> String {
    let file = name.rfind('/').map_or(0, |slash| slash + 1);
    match name[file..].rfind('.').filter(|dot| *dot > 0) {
        Some(dot) => format!("{}-{number}{}", &name[..file + dot], &name[file + dot..]),
        None => format!("{name}-{number}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named() -> Named<'static> {
        let sha256 = "0123456789abcdef";
        Named {
            stem: "sun set",
            ext: "webp",
            index: 6,
            dir: "a/b",
            width: 800,
            height: 600,
            sha256,
            date: "2026-11-22",
        }
    }

    #[test]
    fn every_placeholder_is_filled() {
        for (template, name) in [
            ("{stem}.{ext}", "sun set.webp"),
            ("{dir}/{stem}-{width}x{height}.{ext}", "a/b/sun set-800x600.webp"),
            ("{index:04}_{hash8}.{ext}", "0007_01234567.webp"),
            ("{date}/{index}.{ext}", "2026-11-22/7.webp"),
        ] {
            assert_eq!(Template::parse(template, "name").unwrap().render(&named()), name);
        }
    }

    #[test]
    fn what_leads_out_is_refused_or_made_harmless() {
        for template in
            ["", "/etc/{stem}", "../{stem}", "a/../../{stem}", ".{stem}", "{stem", "{nope}", "a\\b", "a/", "x\0"]
        {
            let failure = Template::parse(template, "name").unwrap_err();
            assert_eq!(failure.argument.as_deref(), Some("name"), "{template}");
        }
        let template = Template::parse("{dir}/{stem}.{ext}", "name").unwrap();
        let hostile = Named { stem: "../../etc/passwd", dir: "../..", ..named() };
        assert_eq!(template.render(&hostile), "_/_/_.._etc_passwd.webp");
    }

    #[test]
    fn a_suffix_goes_before_the_ending() {
        assert_eq!(with_suffix("a/b.c/photo.jpg", 2), "a/b.c/photo-2.jpg");
        assert_eq!(with_suffix("a.b/photo", 1), "a.b/photo-1");
    }
}
