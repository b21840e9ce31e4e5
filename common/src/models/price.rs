//! What a call costs: exactly after it, about before it.

use std::ops::Add;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Usd;

/// Dollars for a million tokens.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    text_in: Usd,
    image_in: Option<Usd>,
    out: Usd,
}

/// What one picture of 1024x1024 costs, by quality.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Estimate {
    low: Usd,
    medium: Usd,
    high: Usd,
    /// The model whose figures these are, where nobody has published any for this one.
    pub like: Option<String>,
}

/// Tokens that a picture that is sent counts as, at least and at most, and that a picture that is looked at may count as.
const SENT: (u64, u64) = (300, 6000);
const SEEN: u64 = 3000;

/// Of the qualities above `high` nothing is published but that they cost more.
const BETTER: u64 = 4;

/// Tokens of one call, as the provider counted them.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Usage {
    /// Tokens of what was sent.
    pub input_tokens: u64,
    /// Those of them that are pictures; `None` where the provider does not tell them apart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_tokens: Option<u64>,
    /// Tokens of what came back.
    pub output_tokens: u64,
}

/// What a call will cost at least and at most, as far as is known.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[schemars(inline)]
pub struct Range {
    /// At least about this, in US dollars.
    #[serde(rename = "low_usd")]
    #[schemars(with = "f64")]
    pub low: Usd,
    /// At most about this, in US dollars.
    #[serde(rename = "high_usd")]
    #[schemars(with = "f64")]
    pub high: Usd,
}

impl Add for Range {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { low: self.low + other.low, high: self.high + other.high }
    }
}

impl Usage {
    /// Reads what the provider says, in the words of pictures or of chats. Backends of one's own say null or nothing.
    #[must_use]
    pub fn read(usage: &Value) -> Option<Self> {
        let number = |names: [&str; 2]| names.iter().find_map(|name| usage[*name].as_u64());
        let input_tokens = number(["input_tokens", "prompt_tokens"]);
        let output_tokens = number(["output_tokens", "completion_tokens"]);
        let image_tokens = usage["input_tokens_details"]["image_tokens"].as_u64();
        let read = Self {
            input_tokens: input_tokens.unwrap_or_default(),
            image_tokens,
            output_tokens: output_tokens.unwrap_or_default(),
        };
        // Nothing costs no tokens: zeros mean that nobody counted.
        (read.input_tokens > 0 || read.output_tokens > 0).then_some(read)
    }
}

impl Price {
    /// What `usage` costs. Where the pictures among the tokens are not told apart and `pictures` were sent, all count as
    /// pictures: rather too much than too little.
    #[must_use]
    pub fn of(&self, usage: &Usage, pictures: bool) -> Usd {
        let guess = if pictures && self.image_in.is_some() { usage.input_tokens } else { 0 };
        let image = usage.image_tokens.unwrap_or(guess).min(usage.input_tokens);
        per_token(self.text_in, usage.input_tokens - image)
            + per_token(self.image_in.unwrap_or(self.text_in), image)
            + per_token(self.out, usage.output_tokens)
    }

    /// What is sent along with a request for pictures costs about: a prompt of so many characters, and pictures.
    #[must_use]
    pub fn of_sending(&self, characters: u64, pictures: u64) -> Range {
        let image_in = self.image_in.unwrap_or(self.text_in);
        let sent = |tokens: u64, share: u64| {
            per_token(image_in, tokens.saturating_mul(pictures)) + per_token(self.text_in, characters / share)
        };
        // Four letters of English are a token, and each of some scripts is one.
        Range { low: sent(SENT.0, 4), high: sent(SENT.1, 1) }
    }

    /// The most that looking at pictures costs: a prompt of so many characters, and an answer of so many tokens.
    #[must_use]
    pub fn of_looking(&self, characters: u64, pictures: u64, answer_tokens: u64) -> Usd {
        per_token(self.text_in, characters + SEEN.saturating_mul(pictures)) + per_token(self.out, answer_tokens)
    }
}

fn per_token(million: Usd, tokens: u64) -> Usd {
    let nanos = u128::from(million.nanos()) * u128::from(tokens);
    Usd::from_nanos(u64::try_from(nanos.div_ceil(1_000_000)).unwrap_or(u64::MAX))
}

impl Estimate {
    /// What `n` pictures cost about, where the quality is one that is known of.
    #[must_use]
    pub fn of(&self, quality: Option<&str>, size: Option<(u32, u32)>, n: u64) -> Option<Range> {
        const SQUARE: f64 = 1024.0 * 1024.0;
        let (low, high) = match quality {
            Some("low") => (self.low, self.low),
            Some("medium") => (self.medium, self.medium),
            Some("high") => (self.high, self.high),
            None | Some("auto") => (self.low, self.high),
            Some("xhigh" | "max") => (self.high, self.high.times(BETTER)),
            Some(_) => return None,
        };
        // What is known is the price of a square; others cost between that and their share of pixels. Left to itself, the
        // model makes at most one and a half squares.
        let share = size.map_or(1.5, |(width, height)| f64::from(width) * f64::from(height) / SQUARE);
        let scaled = |sum: Usd, by: f64| Usd::from_dollars(sum.dollars() * by).times(n);
        Some(Range { low: scaled(low, share.min(1.0)), high: scaled(high, share.max(1.0)) })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn price() -> Price {
        toml::from_str("text_in = 5\nimage_in = 8\nout = 30\n").unwrap()
    }

    #[test]
    fn the_exact_cost_is_the_sum_of_its_tokens() {
        let usage = Usage::read(&json!({
            "input_tokens": 1050, "output_tokens": 1767, "total_tokens": 2817,
            "input_tokens_details": {"text_tokens": 50, "image_tokens": 1000},
        }))
        .unwrap();
        // 50 × $5 + 1000 × $8 + 1767 × $30, a million each.
        assert_eq!(price().of(&usage, true), Usd::from_dollars(0.00025 + 0.008 + 0.05301));
        let untold = Usage { image_tokens: None, ..usage };
        assert_eq!(price().of(&untold, true), Usd::from_dollars(0.0084 + 0.05301), "at the higher price");
        assert_eq!(price().of(&untold, false), Usd::from_dollars(0.00525 + 0.05301), "there were no pictures");
        let luna: Price = toml::from_str("text_in = 0.10\nout = 0.50").unwrap();
        let chat = Usage::read(&json!({"prompt_tokens": 1000, "completion_tokens": 10})).unwrap();
        assert_eq!(luna.of(&chat, true), Usd::from_nanos(1000 * 100 + 10 * 500));
    }

    #[test]
    fn nobody_counted() {
        for usage in
            [json!(null), json!({}), json!({"input_tokens": 0, "output_tokens": 0}), json!({"input_tokens": null})]
        {
            assert_eq!(Usage::read(&usage), None, "{usage}");
        }
    }

    #[test]
    fn impossible_counts_do_no_harm() {
        let usage = Usage { input_tokens: u64::MAX, image_tokens: Some(u64::MAX), output_tokens: u64::MAX };
        assert_eq!(price().of(&usage, true), Usd::from_nanos(u64::MAX));
        let usage = Usage { input_tokens: 1, image_tokens: Some(5), output_tokens: 0 };
        assert_eq!(price().of(&usage, true), Usd::from_nanos(8000));
    }

    #[test]
    fn before_the_call_it_is_a_range() {
        let estimate: Estimate = toml::from_str("low = 0.006\nmedium = 0.053\nhigh = 0.211").unwrap();
        let dollars =
            |quality, size, n| estimate.of(quality, size, n).map(|range| (range.low.dollars(), range.high.dollars()));
        let square = Some((1024, 1024));
        assert_eq!(dollars(Some("medium"), square, 1), Some((0.053, 0.053)));
        assert_eq!(dollars(Some("low"), square, 10), Some((0.06, 0.06)));
        assert_eq!(dollars(None, square, 1), Some((0.006, 0.211)));
        assert_eq!(dollars(Some("high"), Some((2048, 1024)), 1), Some((0.211, 0.422)));
        assert_eq!(dollars(Some("auto"), None, 2), Some((0.012, 0.633)));
        assert_eq!(dollars(Some("max"), square, 1), Some((0.211, 0.844)));
        assert_eq!(dollars(Some("hd"), square, 1), None, "nobody knows");
    }

    #[test]
    fn what_is_sent_costs_too() {
        let sent = price().of_sending(1000, 2);
        // 250 to 1000 tokens of text at $5, 600 to 12,000 of pictures at $8 a million.
        assert_eq!((sent.low.dollars(), sent.high.dollars()), (0.00125 + 0.0048, 0.005 + 0.096));
        let luna: Price = toml::from_str("text_in = 0.10\nout = 0.50").unwrap();
        assert_eq!(luna.of_looking(1000, 1, 500), Usd::from_nanos(4000 * 100 + 500 * 500));
    }
}
