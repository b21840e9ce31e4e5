//! What a token lets its bearer do.

use std::{collections::BTreeSet, fmt};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// One right.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Scope {
    /// Look at images, jobs and metadata.
    Read,
    /// Make and change images, start and stop jobs.
    Write,
    /// Call models, which costs money.
    ImageProcessing,
}

impl Scope {
    /// Every one.
    pub(crate) const ALL: [Self; 3] = [Self::Read, Self::Write, Self::ImageProcessing];

    /// As it is written in tokens and requests.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::ImageProcessing => "image_processing",
        }
    }

    /// What it means to the person who is asked for it.
    pub(crate) fn meaning(self) -> &'static str {
        match self {
            Self::Read => "See your images, jobs and their metadata",
            Self::Write => "Make and change images, start and stop jobs",
            Self::ImageProcessing => "Call paid models on your account: generate, edit and describe images",
        }
    }
}

/// A set of rights. `write` includes `read`; `image_processing` stands apart, because it spends money.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Scopes(BTreeSet<Scope>);

impl Scopes {
    /// Every right there is.
    pub(crate) fn all() -> Self {
        Scope::ALL.into_iter().collect()
    }

    /// Those that `text` names (RFC 6749, section 3.3). Words that are no scope of ours are left out: clients send some.
    pub(crate) fn parse(text: &str) -> Self {
        text.split(' ').filter_map(|word| Scope::ALL.into_iter().find(|scope| scope.name() == word)).collect()
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether this right is among them, or included in one of them.
    pub(crate) fn cover(&self, scope: Scope) -> bool {
        self.0.contains(&scope) || (scope == Scope::Read && self.0.contains(&Scope::Write))
    }

    /// Whether each of `needed` is covered.
    pub(crate) fn cover_all(&self, needed: &[Scope]) -> bool {
        needed.iter().all(|scope| self.cover(*scope))
    }

    /// Those of `self` that `ceiling` covers.
    pub(crate) fn within(&self, ceiling: &Self) -> Self {
        self.iter().filter(|scope| ceiling.cover(*scope)).collect()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Scope> {
        self.0.iter().copied()
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(scopes.into_iter().collect())
    }
}

/// Separated by single spaces, in one order.
impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.iter().map(Scope::name).collect::<Vec<_>>().join(" "))
    }
}

impl Serialize for Scopes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Scopes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::parse(&String::deserialize(deserializer)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_words_are_dropped_and_the_order_is_one() {
        assert_eq!(Scopes::parse(" write claudeai  read offline_access write").to_string(), "read write");
        assert!(Scopes::parse("").is_empty() && Scopes::parse("READ").is_empty());
    }

    #[test]
    fn write_includes_read_and_money_is_apart() {
        let write = Scopes::parse("write");
        assert!(write.cover(Scope::Read) && !write.cover(Scope::ImageProcessing));
        assert!(!Scopes::parse("image_processing").cover(Scope::Read));
        assert_eq!(Scopes::all().within(&write).to_string(), "read write");
        assert!(!write.cover_all(&[Scope::Write, Scope::ImageProcessing]));
    }
}
