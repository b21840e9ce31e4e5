//! The table of the README and `.env.example`, made from what the sections state.

use std::fmt::Write as _;

use crate::Variable;

/// A Markdown table of every variable.
#[must_use]
pub fn markdown(variables: &[Variable]) -> String {
    let mut table = String::from("| variable | default | may be | meaning |\n|---|---|---|---|\n");
    for variable in variables {
        let Variable { name, default, bounds, meaning, .. } = variable;
        let _ = writeln!(table, "| `{name}` | {default} | {bounds} | {meaning} |");
    }
    table
}

/// `.env.example`: every variable, commented out, with its default.
#[must_use]
pub fn dotenv(variables: &[Variable]) -> String {
    let mut text = String::from("# Every setting. All are optional; a line without # overrides the default.\n");
    let mut section = "";
    for variable in variables {
        if variable.section != section {
            section = variable.section;
            let _ = write!(text, "\n# {section}\n");
        }
        let Variable { name, default, bounds, meaning, .. } = variable;
        let _ = writeln!(text, "\n# {meaning}\n# May be: {bounds}. Default: {default}.\n#{name}=");
    }
    text
}
