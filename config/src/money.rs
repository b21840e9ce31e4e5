//! How much of it models may cost.

use crate::reader::{About, Reader};

const fn about(name: &'static str, meaning: &'static str) -> About {
    About { section: "Money", name, meaning }
}

/// The most that any sum may be set to, in US dollars.
const MOST: f64 = 1_000_000.0;

/// How much models may cost. Sums are US dollars.
#[derive(Clone, Copy, Debug)]
pub struct Money {
    /// The most that a user may spend in a day, UTC.
    pub daily_budget: Option<f64>,
    /// The most that a user may spend in a month, UTC.
    pub monthly_budget: Option<f64>,
    /// What costs more than this is to be confirmed first.
    pub confirm_above: f64,
    /// Whether a model says in a sentence what was made.
    pub describe_images: bool,
}

impl Money {
    pub(crate) fn read(reader: &mut Reader<'_>) -> Self {
        let daily_budget = budget(reader, "DAILY_BUDGET_USD", "The most that models may cost a user in a day (UTC).");
        let monthly_budget =
            budget(reader, "MONTHLY_BUDGET_USD", "The most that models may cost a user in a calendar month (UTC).");
        let confirm_above = reader.parsed(
            &about("CONFIRM_ABOVE_USD", "Calls that may cost more, or make more than four images, are quoted first."),
            (0.5, "0.50"),
            "0 to 1000000 US dollars",
            sum,
        );
        let describe_images = reader.switch(
            &about(
                "DESCRIBE_IMAGES",
                "Whether the vision model says in a sentence what was made; costs a fraction of a cent an image.",
            ),
            true,
            "on",
        );
        Self { daily_budget, monthly_budget, confirm_above, describe_images }
    }
}

fn budget(reader: &mut Reader<'_>, name: &'static str, meaning: &'static str) -> Option<f64> {
    reader.parsed(&about(name, meaning), (None, "none"), "0 to 1000000 US dollars", |text| sum(text).map(Some))
}

fn sum(text: &str) -> Result<f64, String> {
    match text.strip_prefix('$').unwrap_or(text).parse() {
        Ok(sum) if (0.0..=MOST).contains(&sum) => Ok(sum),
        _ => Err(format!("\"{text}\" is not a sum of US dollars from 0 to {MOST}, such as 2.50")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_dollars() {
        for (text, dollars) in [("0", 0.0), ("2.50", 2.5), ("$3", 3.0), ("1e2", 100.0)] {
            assert!((sum(text).unwrap() - dollars).abs() < 1e-9, "{text}");
        }
        for wrong in ["", "-1", "NaN", "inf", "2,50", "1000001", "two", "$$1"] {
            assert!(sum(wrong).is_err(), "{wrong}");
        }
    }
}
