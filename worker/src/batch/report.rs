//! `report.csv`: the manifest for spreadsheets (RFC 4180).

use super::Line;

/// The first row.
pub const HEADER: &str =
    "index,source,status,output,image_id,error_code,error_message,retryable,bytes_before,bytes_after,sha256,ms\r\n";

impl Line {
    /// As it stands in the report, with its end of line.
    #[must_use]
    pub fn csv(&self) -> String {
        let text = |text: &Option<String>| text.as_deref().map(cell).unwrap_or_default();
        let error = self.error.as_ref();
        let cells = [
            self.index.to_string(),
            cell(&self.source),
            cell(&self.status),
            text(&self.output),
            text(&self.image_id),
            error.map(|error| cell(&error.code)).unwrap_or_default(),
            error.map(|error| cell(&error.message)).unwrap_or_default(),
            error.map(|error| error.retryable.to_string()).unwrap_or_default(),
            self.bytes_before.to_string(),
            self.bytes_after.to_string(),
            text(&self.sha256),
            self.ms.map(|ms| ms.to_string()).unwrap_or_default(),
        ];
        cells.join(",") + "\r\n"
    }
}

/// Names of files come from strangers: what a spreadsheet would take for a formula is defused, and what would end a
/// cell is quoted.
fn cell(text: &str) -> String {
    let defused = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() };
    if defused.contains(['"', ',', '\r', '\n']) { format!("\"{}\"", defused.replace('"', "\"\"")) } else { defused }
}

#[cfg(test)]
mod tests {
    use super::{super::manifest::LineError, *};

    #[test]
    fn formulas_are_defused_and_separators_quoted() {
        for (text, written) in [
            ("a.jpg", "a.jpg"),
            ("=1+1", "'=1+1"),
            ("+a", "'+a"),
            ("-a", "'-a"),
            ("@SUM(1)", "'@SUM(1)"),
            ("\tx", "'\tx"),
            ("\rx", "\"'\rx\""),
            ("a-b=c", "a-b=c"),
            ("a, \"b\"", "\"a, \"\"b\"\"\""),
            ("=a\nb", "\"'=a\nb\""),
        ] {
            assert_eq!(cell(text), written);
        }
    }

    #[test]
    fn a_row_has_the_columns_of_the_header() {
        let error = LineError { code: "image_unreadable".into(), message: "No, not this.".into(), retryable: false };
        let line =
            Line { index: 3, source: "=x.jpg".into(), status: "failed".into(), error: Some(error), ..Line::default() };
        assert_eq!(line.csv(), "3,'=x.jpg,failed,,,image_unreadable,\"No, not this.\",false,0,0,,\r\n");
        assert_eq!(Line::default().csv().matches(',').count(), HEADER.matches(',').count());
    }
}
