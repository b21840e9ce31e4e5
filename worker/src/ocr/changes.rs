//! Which lines two readings do not share.

use common::comparison::TextChanges;

/// The most lines told on either side.
const MOST: usize = 100;

/// Lines of `old` and `new` outside their longest common sequence.
pub(crate) fn between(old: &str, new: &str) -> TextChanges {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    // longest[y][x]: lines that the rests from y and x have in common.
    let mut longest = vec![vec![0u32; new.len() + 1]; old.len() + 1];
    for y in (0..old.len()).rev() {
        for x in (0..new.len()).rev() {
            longest[y][x] =
                if old[y] == new[x] { longest[y + 1][x + 1] + 1 } else { longest[y + 1][x].max(longest[y][x + 1]) };
        }
    }
    let mut changes = TextChanges { unchanged: longest[0][0], ..TextChanges::default() };
    let (mut y, mut x) = (0, 0);
    while y < old.len() || x < new.len() {
        if y < old.len() && x < new.len() && old[y] == new[x] {
            (y, x) = (y + 1, x + 1);
        } else if x == new.len() || (y < old.len() && longest[y + 1][x] >= longest[y][x + 1]) {
            changes.removed.push(old[y].to_owned());
            y += 1;
        } else {
            changes.added.push(new[x].to_owned());
            x += 1;
        }
    }
    changes.removed.truncate(MOST);
    changes.added.truncate(MOST);
    changes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_not_in_both() {
        let changes = between("Title\nPrice 10\nBuy\nEnd", "Title\nPrice 12\nBuy now\nSoon\nEnd");
        assert_eq!(changes.removed, ["Price 10", "Buy"]);
        assert_eq!(changes.added, ["Price 12", "Buy now", "Soon"]);
        assert_eq!(changes.unchanged, 2);
        assert_eq!(between("", "a").added, ["a"]);
        assert_eq!(between("a\nb", "a\nb"), TextChanges { unchanged: 2, ..TextChanges::default() });
    }
}
