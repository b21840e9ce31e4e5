//! Code of others on hostile files: where it panics it has met a bad file, which is no mistake of ours, and nobody's
//! terminal is to be told.

use std::{
    cell::Cell,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Once,
};

thread_local! {
    static WITHIN: Cell<bool> = const { Cell::new(false) };
}

/// Does `work`; `None` where it panicked, which only the log of details says.
pub(crate) fn guarded<T>(work: impl FnOnce() -> T) -> Option<T> {
    put_hook();
    let before = WITHIN.replace(true);
    let done = catch_unwind(AssertUnwindSafe(work)).ok();
    WITHIN.set(before);
    done
}

/// From now on all of this thread is the code of others, which must not unwind: whoever calls this has put a hook of its
/// own in front of [`put_hook`]'s.
pub(crate) fn enter() {
    WITHIN.set(true);
}

/// Puts a hook in front of the one there is.
pub(crate) fn put_hook() {
    static DONE: Once = Once::new();
    DONE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if WITHIN.try_with(Cell::get).unwrap_or(false) {
                tracing::debug!(place = panic.location().map(tracing::field::display), "a library panicked on a file");
            } else {
                before(panic);
            }
        }));
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_answer_and_the_next_guard_is_as_good() {
        assert_eq!(guarded(|| 7), Some(7));
        assert_eq!(guarded(|| -> u8 { panic!("a bad file") }), None);
        assert!(!WITHIN.get());
        // One within another leaves the outer one in force.
        assert_eq!(guarded(|| (guarded(|| -> u8 { panic!("again") }), WITHIN.get())), Some((None, true)));
    }
}
