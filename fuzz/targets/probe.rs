//! Headers, of any format.
#![no_main]

libfuzzer_sys::fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    fuzz::mutate(data, size, max_size, seed, 0)
});

libfuzzer_sys::fuzz_target!(init: fuzz::ready("probe"), |data: &[u8]| {
    drop(fuzz::engine().probe(data));
});
