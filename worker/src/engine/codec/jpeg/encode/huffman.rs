//! The best Huffman code for given frequencies, of at most 16 bits (ITU T.81 §K.2).

/// The longest code that JPEG allows.
const LONGEST: usize = 16;

/// A code, as the file states it and as the writer looks it up.
pub(super) struct Code {
    /// How many codes there are of 1 to 16 bits.
    pub(super) counts: [u8; LONGEST],
    /// What they stand for, shortest code first.
    pub(super) symbols: Vec<u8>,
    /// For each symbol its code 0..16 and length 16..; 0: it has none.
    pub(super) entries: [u32; 256],
}

impl Code {
    /// The best code for symbols that occur as often as `frequencies` says.
    pub(super) fn new(frequencies: &[u32; 256]) -> Self {
        let mut used: Vec<(u32, u8)> = frequencies
            .iter()
            .zip(0_u8..=255)
            .filter(|(often, _)| **often > 0)
            .map(|(often, of)| (*often, of))
            .collect();
        if used.is_empty() {
            // A table without any symbol is more than some decoders expect.
            used.push((1, 0));
        }
        // The code of all ones must stay free: one more symbol that never occurs gets it.
        let lengths = lengths(used.iter().map(|(often, _)| u64::from(*often)).collect());
        let mut counts = limited(&lengths);
        if let Some(longest) = counts.iter_mut().rev().find(|count| **count > 0) {
            *longest -= 1;
        }
        // The more often, the shorter.
        used.sort_by_key(|(often, symbol)| (std::cmp::Reverse(*often), *symbol));
        let symbols: Vec<u8> = used.iter().map(|(_, symbol)| *symbol).collect();
        let mut entries = [0; 256];
        let (mut code, mut places) = (0_u32, symbols.iter());
        for (length, count) in (1_u32..).zip(counts) {
            for symbol in places.by_ref().take(usize::from(count)) {
                if let Some(entry) = entries.get_mut(usize::from(*symbol)) {
                    *entry = code | length << 16;
                }
                code += 1;
            }
            code <<= 1;
        }
        Self { counts, symbols, entries }
    }
}

/// The length of each symbol's code, one symbol more than there are frequencies: the last is the rarest.
fn lengths(mut weights: Vec<u64>) -> Vec<usize> {
    weights.push(1);
    let count = weights.len();
    // A forest: whose parent each node is. New nodes come behind the symbols.
    let mut parents: Vec<usize> = vec![0; count];
    let mut roots: std::collections::BinaryHeap<_> =
        weights.into_iter().enumerate().map(|(node, weight)| std::cmp::Reverse((weight, count - node, node))).collect();
    while let (Some(std::cmp::Reverse(one)), Some(std::cmp::Reverse(other))) = (roots.pop(), roots.pop()) {
        let parent = parents.len();
        for (.., node) in [one, other] {
            if let Some(of) = parents.get_mut(node) {
                *of = parent;
            }
        }
        parents.push(0);
        roots.push(std::cmp::Reverse((one.0 + other.0, 0, parent)));
    }
    let depth = |mut node: usize| {
        let mut depth = 0;
        while let Some(parent) = parents.get(node).filter(|parent| **parent > 0) {
            (node, depth) = (*parent, depth + 1);
        }
        depth.max(1)
    };
    (0..count).map(depth).collect()
}

/// How many codes there are of each length once none is longer than 16 (ITU T.81 fig. K.3).
fn limited(lengths: &[usize]) -> [u8; LONGEST] {
    let most = lengths.iter().copied().max().unwrap_or(1).max(LONGEST);
    let mut counts = vec![0_usize; most + 1];
    for length in lengths {
        if let Some(count) = counts.get_mut(*length) {
            *count += 1;
        }
    }
    let mut length = most;
    while length > LONGEST {
        if counts[length] == 0 {
            length -= 1;
            continue;
        }
        // Two siblings go: one takes the place of their parent, the other becomes the sibling of a shorter code.
        let Some(shorter) = (1..length - 1).rev().find(|shorter| counts[*shorter] > 0) else { break };
        counts[length] -= 2;
        counts[length - 1] += 1;
        counts[shorter] -= 1;
        counts[shorter + 1] += 2;
    }
    let mut limited = [0; LONGEST];
    for (to, count) in limited.iter_mut().zip(counts.iter().skip(1)) {
        *to = *count as u8;
    }
    limited
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Frequencies like Fibonacci numbers make the longest codes.
    #[test]
    fn codes_are_prefix_codes_of_at_most_16_bits() {
        let mut steep = [0; 256];
        let (mut one, mut other) = (1_u32, 1_u32);
        for frequency in steep.iter_mut().take(40) {
            *frequency = one;
            (one, other) = (other, one + other);
        }
        let mut single = [0; 256];
        single[7] = 3;
        for frequencies in [steep, single, [1; 256], std::array::from_fn(|i| (i * i) as u32)] {
            let code = Code::new(&frequencies);
            let used = frequencies.iter().filter(|often| **often > 0).count();
            assert_eq!(code.symbols.len(), used);
            assert_eq!(code.counts.iter().map(|count| usize::from(*count)).sum::<usize>(), used);
            let space: u32 = (1_u32..).zip(code.counts).map(|(length, count)| u32::from(count) << (16 - length)).sum();
            assert!(space < 1 << 16, "all ones must stay free");
            let lengths = frequencies.iter().zip(code.entries).filter(|(often, _)| **often > 0);
            assert!(lengths.clone().all(|(_, entry)| (1..=16).contains(&(entry >> 16))));
            let mut sorted: Vec<(u32, u32)> = lengths.map(|(often, entry)| (*often, entry >> 16)).collect();
            sorted.sort_unstable();
            assert!(sorted.windows(2).all(|pair| pair[0].0 == pair[1].0 || pair[0].1 >= pair[1].1));
        }
    }
}
