//! Which instructions the hot loops may use. They are ordinary Rust; compiled a second time for x86-64-v3, the compiler
//! makes AVX2 and BMI2 instructions of them.

/// A set of instructions that this machine has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Level(Kind);

#[derive(Clone, Copy, Debug)]
enum Kind {
    Portable,
    #[cfg(target_arch = "x86_64")]
    Wide,
}

impl Level {
    /// What every machine has.
    #[cfg_attr(target_arch = "x86_64", cfg(test))]
    pub(crate) const PORTABLE: Self = Self(Kind::Portable);

    /// The best that this machine has.
    pub(crate) fn detect() -> Self {
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("bmi1")
            && is_x86_feature_detected!("bmi2")
            && is_x86_feature_detected!("lzcnt")
        {
            return Self(Kind::Wide);
        }
        Self(Kind::Portable)
    }

    /// Does `work`, compiled for this level.
    #[inline]
    #[cfg_attr(
        target_arch = "x86_64",
        expect(unsafe_code, reason = "only a check at run time says that the machine can")
    )]
    pub(crate) fn run<W: Work>(self, work: W) -> W::Output {
        match self.0 {
            Kind::Portable => work.run(),
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `wide` is an ordinary function but for the instructions it may use, and `Kind::Wide` is made
            // nowhere but in `detect`, after a check that this machine has all of them.
            Kind::Wide => unsafe { wide(work) },
        }
    }
}

/// Work that is compiled once for each level.
pub(crate) trait Work {
    /// What comes of it.
    type Output;

    /// Does it. To be `#[inline(always)]`, and so what it calls: else it is compiled for every machine. A closure, which
    /// cannot be, is not inlined if there is much in it.
    fn run(self) -> Self::Output;
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt")]
fn wide<W: Work>(work: W) -> W::Output {
    work.run()
}
