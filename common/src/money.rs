//! Money, exactly: prices are fractions of a cent, and many small sums must add up.

use std::{fmt, ops::Add};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// US dollars, kept as whole billionths: what one token costs at a price in cents a million tokens.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub struct Usd(u64);

impl Usd {
    /// Billionths of a dollar.
    #[must_use]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// The nearest sum to a number of dollars; nothing for what is negative or no number.
    #[must_use]
    pub fn from_dollars(dollars: f64) -> Self {
        // A cast of floats saturates and makes NaN zero.
        Self((dollars * 1e9).round() as u64)
    }

    /// Billionths of a dollar.
    #[must_use]
    pub const fn nanos(self) -> u64 {
        self.0
    }

    /// The number of dollars, for people and for JSON.
    #[must_use]
    pub fn dollars(self) -> f64 {
        self.0 as f64 / 1e9
    }

    /// As often as `count` says.
    #[must_use]
    pub const fn times(self, count: u64) -> Self {
        Self(self.0.saturating_mul(count))
    }
}

impl Add for Usd {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

/// `$0.053`: to the tenth of a cent, and never nothing for something.
impl fmt::Display for Usd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            1..1_000_000 => f.write_str("less than $0.001"),
            _ => write!(f, "${:.3}", self.dollars()),
        }
    }
}

impl Serialize for Usd {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.dollars())
    }
}

impl<'de> Deserialize<'de> for Usd {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let dollars = f64::deserialize(deserializer)?;
        // Ten million dollars are still exact to the billionth, and more than anybody means.
        if (0.0..=1e7).contains(&dollars) {
            Ok(Self::from_dollars(dollars))
        } else {
            Err(serde::de::Error::custom(format!("{dollars} is no sum of dollars")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_sums_add_up() {
        let token = Usd::from_dollars(0.10 / 1e6);
        assert_eq!(token.nanos(), 100);
        let sum = (0..1_000_000).fold(Usd::default(), |sum, _| sum + token);
        assert_eq!(sum, Usd::from_dollars(0.10));
        assert_eq!(token.times(1_000_000), sum);
    }

    #[test]
    fn reads_as_a_person_does() {
        assert_eq!(Usd::from_dollars(0.0533).to_string(), "$0.053");
        assert_eq!(Usd::from_dollars(0.0004).to_string(), "less than $0.001");
        assert_eq!(Usd::default().to_string(), "$0.000");
    }

    #[test]
    fn json_is_a_number_of_dollars() {
        assert_eq!(serde_json::to_string(&Usd::from_dollars(0.211)).unwrap(), "0.211");
        assert_eq!(serde_json::from_str::<Usd>("0.211").unwrap(), Usd::from_nanos(211_000_000));
        assert_eq!(serde_json::from_str::<Usd>("5").unwrap(), Usd::from_nanos(5_000_000_000));
        for wrong in ["-1", "1e300", "\"1\""] {
            assert!(serde_json::from_str::<Usd>(wrong).is_err(), "{wrong}");
        }
    }
}
