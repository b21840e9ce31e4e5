//! Pixels of every format, told by content, animations with all their frames.
#![no_main]

use common::Format;

libfuzzer_sys::fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    fuzz::mutate(data, size, max_size, seed, 0)
});

libfuzzer_sys::fuzz_target!(init: fuzz::ready("decode"), |data: &[u8]| {
    for format in [Format::Png, Format::Qoi] {
        drop(fuzz::transform(data, "[]", fuzz::output(format)));
    }
});
