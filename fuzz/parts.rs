//! Files of parts with lengths and checksums, changed so that both stay right: else the fuzzer would only ever see what
//! becomes of wrong ones.

use libfuzzer_sys::fuzzer_mutate;

/// A file that is taken apart.
struct Parts {
    head: Vec<u8>,
    parts: Vec<([u8; 4], Vec<u8>)>,
    tail: Vec<u8>,
    join: fn(&Parts) -> Vec<u8>,
}

/// Changes `data`, of which `size` bytes are used, and says how many are afterwards. The first `keep` bytes are no part
/// of the file.
pub fn mutate(data: &mut [u8], size: usize, most: usize, seed: u32, keep: usize) -> usize {
    let mut dice = Dice(seed | 1);
    let file = data.get(keep..size).unwrap_or_default();
    let parts =
        if dice.below(3) == 0 { None } else { of_jpeg(file).or_else(|| of_png(file)).or_else(|| of_riff(file)) };
    let Some(mut parts) = parts.filter(|parts| !parts.parts.is_empty()) else { return fuzzer_mutate(data, size, most) };
    let count = parts.parts.len();
    let (one, other) = (dice.below(count), dice.below(count));
    match dice.below(12) {
        0 => parts.parts.swap(one, other),
        1 => drop(parts.parts.remove(one)),
        2 => {
            let copy = parts.parts[one].clone();
            parts.parts.insert(other, copy);
        }
        3..=5 if !parts.tail.is_empty() => changed(&mut parts.tail, most),
        _ => changed(&mut parts.parts[one].1, most),
    }
    let file = (parts.join)(&parts);
    let end = most.min(data.len()).min(keep + file.len());
    let Some(place) = data.get_mut(keep..end) else { return fuzzer_mutate(data, size, most) };
    place.copy_from_slice(&file[..end - keep]);
    end
}

fn changed(part: &mut Vec<u8>, most: usize) {
    let used = part.len();
    let room = (used + 64).min(most).max(used);
    part.resize(room, 0);
    let used = fuzzer_mutate(part, used, room);
    part.truncate(used);
}

fn of_jpeg(file: &[u8]) -> Option<Parts> {
    let mut rest = file.strip_prefix(&[0xff, 0xd8])?;
    let mut parts = Vec::new();
    loop {
        let &[0xff, code, high, low, ..] = rest else { break };
        let length = usize::from(u16::from_be_bytes([high, low]));
        let Some(payload) = rest.get(4..2 + length) else { break };
        parts.push(([0xff, code, 0, 0], payload.to_vec()));
        rest = &rest[2 + length..];
        if code == 0xda {
            break;
        }
    }
    let join = |parts: &Parts| {
        let mut file = parts.head.clone();
        for (kind, payload) in &parts.parts {
            let payload = &payload[..payload.len().min(65_533)];
            file.extend_from_slice(&kind[..2]);
            file.extend_from_slice(&(payload.len() as u16 + 2).to_be_bytes());
            file.extend_from_slice(payload);
        }
        file.extend_from_slice(&parts.tail);
        file
    };
    Some(Parts { head: vec![0xff, 0xd8], parts, tail: rest.to_vec(), join })
}

fn of_png(file: &[u8]) -> Option<Parts> {
    let mut rest = file.strip_prefix(b"\x89PNG\r\n\x1a\n")?;
    let mut parts = Vec::new();
    while let Some((length, more)) = rest.split_first_chunk::<4>() {
        let length = u32::from_be_bytes(*length) as usize;
        let Some((kind, more)) = more.split_first_chunk::<4>() else { break };
        let (Some(data), Some(after)) = (more.get(..length), more.get(length + 4..)) else { break };
        parts.push((*kind, data.to_vec()));
        rest = after;
    }
    let join = |parts: &Parts| {
        let mut file = parts.head.clone();
        for (kind, data) in &parts.parts {
            let mut sum = crc32fast::Hasher::new();
            sum.update(kind);
            sum.update(data);
            file.extend_from_slice(&(data.len() as u32).to_be_bytes());
            file.extend_from_slice(kind);
            file.extend_from_slice(data);
            file.extend_from_slice(&sum.finalize().to_be_bytes());
        }
        file.extend_from_slice(&parts.tail);
        file
    };
    Some(Parts { head: file[..8].to_vec(), parts, tail: rest.to_vec(), join })
}

fn of_riff(file: &[u8]) -> Option<Parts> {
    let mut rest = file.strip_prefix(b"RIFF")?.get(4..)?.strip_prefix(b"WEBP")?;
    let mut parts = Vec::new();
    while let Some((kind, more)) = rest.split_first_chunk::<4>() {
        let Some((length, more)) = more.split_first_chunk::<4>() else { break };
        let length = u32::from_le_bytes(*length) as usize;
        let Some(data) = more.get(..length) else { break };
        parts.push((*kind, data.to_vec()));
        rest = more.get(length.next_multiple_of(2)..).unwrap_or_default();
    }
    let join = |parts: &Parts| {
        let mut file = b"WEBP".to_vec();
        for (kind, data) in &parts.parts {
            file.extend_from_slice(kind);
            file.extend_from_slice(&(data.len() as u32).to_le_bytes());
            file.extend_from_slice(data);
            file.resize(file.len().next_multiple_of(2), 0);
        }
        file.extend_from_slice(&parts.tail);
        [b"RIFF", &(file.len() as u32).to_le_bytes()[..], &file].concat()
    };
    Some(Parts { head: Vec::new(), parts, tail: rest.to_vec(), join })
}

/// A few numbers from a seed (xorshift).
struct Dice(u32);

impl Dice {
    fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0 as usize % most
    }
}
