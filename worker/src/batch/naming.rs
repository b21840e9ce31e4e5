//! Settling on a name: which to try, and what to do when it is taken. Pure; the caller does the trying.

use common::{Failure, job::OnConflict, naming::with_suffix};

use crate::files::no_free_name;

/// The most suffixes that are tried.
const MOST_SUFFIXES: u32 = 10_000;

/// How a result comes by its name.
#[derive(Debug)]
pub struct Naming {
    policy: OnConflict,
    wanted: String,
    resumed: Option<String>,
    suffix: u32,
    last: u32,
}

/// A name to try.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Attempt {
    /// The name, relative to the folder of the results.
    pub name: String,
    /// Whether a file of this name may be replaced.
    pub may_replace: bool,
    /// Whether an earlier attempt at the same picture claimed this name; a file with the same bytes is its work.
    pub resumed: bool,
}

/// What came of a try.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Place {
    /// The result is there.
    Written,
    /// Another file or another result has the name.
    Taken,
    /// An original has the name; originals are never altered.
    Original,
}

/// What to do next.
#[derive(Debug)]
pub enum Step {
    /// Try this name.
    Try(Attempt),
    /// The result has this name.
    Done(String),
    /// Leave the picture out.
    Skip,
    /// Give up.
    Fail(Failure),
}

impl Naming {
    /// `wanted` is what the template gives to the picture at `index`, `resumed` a name that an earlier attempt had
    /// claimed. Suffixes begin at the index: a thousand pictures of one name would try each other's for ever.
    #[must_use]
    pub fn new(policy: OnConflict, wanted: String, index: u32, resumed: Option<String>) -> Self {
        let suffix = index.saturating_sub(1);
        Self { policy, wanted, resumed, suffix, last: suffix.saturating_add(MOST_SUFFIXES) }
    }

    /// The first step.
    #[must_use]
    pub fn first(&mut self) -> Step {
        match self.resumed.take() {
            Some(name) => Step::Try(self.attempt(name, true)),
            None => Step::Try(self.attempt(self.wanted.clone(), false)),
        }
    }

    /// The step after `attempt` came out as `place`.
    #[must_use]
    pub fn after(&mut self, attempt: &Attempt, place: Place) -> Step {
        match (place, self.policy) {
            (Place::Written, _) => Step::Done(attempt.name.clone()),
            // Somebody took the name between two attempts; begin anew.
            (_, _) if attempt.resumed && attempt.name != self.wanted => {
                Step::Try(self.attempt(self.wanted.clone(), false))
            }
            (_, OnConflict::Skip) => Step::Skip,
            (_, OnConflict::Error) => Step::Fail(
                Failure::invalid("on_conflict", format!("The name {} is taken.", self.wanted))
                    .allowed("suffix, skip, overwrite or error")
                    .next("Choose another name template, or another on_conflict."),
            ),
            // Under `overwrite` only an original or another result of the same batch stands in the way.
            (_, OnConflict::Suffix | OnConflict::Overwrite) if self.suffix < self.last => {
                self.suffix += 1;
                Step::Try(self.attempt(with_suffix(&self.wanted, self.suffix), false))
            }
            _ => Step::Fail(no_free_name(&self.wanted)),
        }
    }

    fn attempt(&self, name: String, resumed: bool) -> Attempt {
        Attempt { name, may_replace: self.policy == OnConflict::Overwrite, resumed }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs a naming against names that are taken.
    fn settle(policy: OnConflict, resumed: Option<&str>, taken: &[(&str, Place)]) -> Result<Option<String>, Failure> {
        let mut naming = Naming::new(policy, "a.jpg".into(), 0, resumed.map(Into::into));
        let mut step = naming.first();
        loop {
            step = match step {
                Step::Try(attempt) => {
                    let there = taken.iter().find(|(name, _)| *name == attempt.name).map(|(_, place)| *place);
                    let replaced = there == Some(Place::Taken) && attempt.may_replace;
                    naming.after(&attempt, there.filter(|_| !replaced).unwrap_or(Place::Written))
                }
                Step::Done(name) => return Ok(Some(name)),
                Step::Skip => return Ok(None),
                Step::Fail(failure) => return Err(failure),
            }
        }
    }

    #[test]
    fn each_policy_does_what_it_says() {
        let free: &[(&str, Place)] = &[];
        let taken: &[(&str, Place)] = &[("a.jpg", Place::Taken), ("a-1.jpg", Place::Taken)];
        let original: &[(&str, Place)] = &[("a.jpg", Place::Original)];
        for (policy, there, name) in [
            (OnConflict::Suffix, free, Some("a.jpg")),
            (OnConflict::Suffix, taken, Some("a-2.jpg")),
            (OnConflict::Suffix, original, Some("a-1.jpg")),
            (OnConflict::Skip, taken, None),
            (OnConflict::Overwrite, taken, Some("a.jpg")),
            (OnConflict::Overwrite, original, Some("a-1.jpg")),
        ] {
            assert_eq!(settle(policy, None, there).unwrap().as_deref(), name, "{policy:?}");
        }
        assert_eq!(settle(OnConflict::Error, None, taken).unwrap_err().argument.as_deref(), Some("on_conflict"));
    }

    #[test]
    fn a_repeated_attempt_keeps_its_name_or_begins_anew() {
        assert_eq!(settle(OnConflict::Suffix, Some("a-3.jpg"), &[]).unwrap().as_deref(), Some("a-3.jpg"));
        let taken = [("a-3.jpg", Place::Taken), ("a.jpg", Place::Taken)];
        assert_eq!(settle(OnConflict::Suffix, Some("a-3.jpg"), &taken).unwrap().as_deref(), Some("a-1.jpg"));
    }

    #[test]
    fn names_run_out() {
        let mut naming = Naming::new(OnConflict::Suffix, "a.jpg".into(), 7, None);
        let attempt = naming.attempt("a.jpg".into(), false);
        let Step::Try(first) = naming.after(&attempt, Place::Taken) else { panic!("no second name") };
        assert_eq!(first.name, "a-7.jpg");
        naming.suffix = naming.last;
        assert!(matches!(naming.after(&attempt, Place::Taken), Step::Fail(_)));
    }
}
