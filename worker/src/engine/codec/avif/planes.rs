//! AV1 pictures decoded to planes by rav1d, a port of dav1d to Rust that kept its C surface: hence the unsafe code.
//!
//! Its functions are `extern "C"`, out of which a panic cannot unwind: it would end the process. So a picture is decoded
//! on a thread of its own, and a panic there is stopped in the panic hook, before it unwinds: the thread tells the job
//! and sleeps for ever, with what memory it had. That is a leak, so there may be only a few of them. The decoder has
//! threads of its own, too; when one of those panics, the thread waits for it for ever, and the job only until its end.

use std::{
    cell::RefCell,
    ptr::NonNull,
    sync::{
        Arc, Once,
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc::{self, RecvTimeoutError, Sender},
    },
    thread,
    time::Duration,
};

use common::{Failure, FailureKind, Format};
use rav1d::{
    include::dav1d::{
        data::Dav1dData,
        dav1d::{Dav1dContext, Dav1dSettings},
        headers::{DAV1D_PIXEL_LAYOUT_I400, DAV1D_PIXEL_LAYOUT_I420, DAV1D_PIXEL_LAYOUT_I422},
        picture::Dav1dPicture,
    },
    src::lib::{
        dav1d_close, dav1d_data_create, dav1d_data_unref, dav1d_default_settings, dav1d_get_picture, dav1d_open,
        dav1d_picture_unref, dav1d_send_data,
    },
};

use crate::engine::{Stop, codec::unreadable, foreign};

/// How many threads may hang in the decoder, with nobody to wait for them, before it is not used any more.
const MOST_LOST: usize = 8;

static LOST: AtomicUsize = AtomicUsize::new(0);

/// With one thread for one frame, rav1d 1.1.0 panics at every error in a frame.
const THREADS: i32 = 2;

/// How often the decoder is asked again once it has all data: each frame may be on its way.
const TRIES: i32 = THREADS + 2;

/// How often the job looks whether it is stopped.
const LOOK: Duration = Duration::from_millis(20);

/// A decoded AV1 picture.
pub(super) struct Frame {
    pub(super) width: usize,
    pub(super) height: usize,
    /// Bits a sample: 8, 10 or 12.
    pub(super) bits: u32,
    /// Luma, and two planes of chroma unless it is monochrome.
    pub(super) planes: Vec<Plane>,
    /// What the AV1 data say of themselves: matrix coefficients (ISO/IEC 23091-2), and whether the range is full.
    pub(super) matrix: u32,
    pub(super) full_range: bool,
}

pub(super) struct Plane {
    pub(super) width: usize,
    pub(super) samples: Vec<u16>,
}

type Outcome = Option<Frame>;

thread_local! {
    /// Set on threads that decode: whom to tell of a panic.
    static WAITING: RefCell<Option<Sender<Outcome>>> = const { RefCell::new(None) };
}

/// Decodes the first picture in `data`, of at most `most_pixels`.
pub(super) fn decode(data: &[u8], most_pixels: u64, stop: &Stop) -> Result<Frame, Failure> {
    stop_panics();
    if LOST.load(Ordering::Relaxed) >= MOST_LOST {
        return Err(Failure::new(FailureKind::UnsupportedFormat, "AVIF is not read any more: too many broken files.")
            .next("Ask the operator to start the server again, or send the picture as PNG or JPEG."));
    }
    let (sender, receiver) = mpsc::channel();
    let data = data.to_vec();
    // Set by who is done first, the thread or the job.
    let done = Arc::new(AtomicBool::new(false));
    let ours = Arc::clone(&done);
    let work = move || {
        foreign::enter();
        WAITING.set(Some(sender.clone()));
        let frame = Decoder::open(most_pixels).and_then(|mut decoder| decoder.first_picture(&data));
        WAITING.set(None);
        if done.swap(true, Ordering::AcqRel) {
            LOST.fetch_sub(1, Ordering::Relaxed);
        }
        // Where the job does not wait any more, nobody needs the picture.
        drop(sender.send(frame));
    };
    thread::Builder::new().name("avif".into()).spawn(work).map_err(|error| Failure::internal(&error))?;
    loop {
        match receiver.recv_timeout(LOOK) {
            Ok(frame) => return frame.ok_or_else(|| unreadable(Format::Avif)),
            Err(RecvTimeoutError::Disconnected) => return Err(unreadable(Format::Avif)),
            Err(RecvTimeoutError::Timeout) => {}
        }
        if let Err(failure) = stop.check() {
            if !ours.swap(true, Ordering::AcqRel) {
                LOST.fetch_add(1, Ordering::Relaxed);
            }
            return Err(failure);
        }
    }
}

/// Puts a hook in front of the one there is: a thread that decodes AVIF does not unwind.
fn stop_panics() {
    static DONE: Once = Once::new();
    DONE.call_once(|| {
        foreign::put_hook();
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            before(panic);
            let waiting = WAITING.try_with(|waiting| waiting.try_borrow_mut().ok().and_then(|mut it| it.take()));
            let Ok(Some(waiting)) = waiting else { return };
            LOST.fetch_add(1, Ordering::Relaxed);
            drop(waiting.send(None));
            loop {
                thread::park();
            }
        }));
    });
}

/// An open decoder; closed by `Drop`.
struct Decoder(Option<Dav1dContext>);

#[expect(unsafe_code, reason = "rav1d has the surface of dav1d, which is C")]
impl Decoder {
    fn open(most_pixels: u64) -> Option<Self> {
        let mut settings = std::mem::MaybeUninit::<Dav1dSettings>::uninit();
        // SAFETY: valid for writing; the call writes all of it and reads nothing.
        unsafe { dav1d_default_settings(NonNull::from(&mut settings).cast()) };
        // SAFETY: written by the call above.
        let mut settings = unsafe { settings.assume_init() };
        settings.n_threads = THREADS;
        settings.max_frame_delay = THREADS;
        settings.frame_size_limit = u32::try_from(most_pixels).unwrap_or(u32::MAX);
        // Else it writes to stderr what is wrong with a file, and panics where stderr is closed.
        // SAFETY: two pointers, both of which may be null, which says that nobody is to be told.
        settings.logger = unsafe { std::mem::zeroed() };
        let mut context = None;
        // SAFETY: both point to live values of their type, the settings being whole.
        let result = unsafe { dav1d_open(Some(NonNull::from(&mut context)), Some(NonNull::from(&mut settings))) };
        (result.0 == 0 && context.is_some()).then_some(Self(context))
    }

    fn first_picture(&mut self, data: &[u8]) -> Option<Frame> {
        let mut unit = Unit::new(data)?;
        let mut tries = 0;
        while tries < TRIES {
            // A new one each time: the call overwrites what it was given.
            let mut picture = Picture::default();
            let mut taken = true;
            if unit.0.sz > 0 {
                // SAFETY: the context is open; the data are whole, and the call leaves them whole.
                taken = unsafe { dav1d_send_data(self.0, Some(NonNull::from(&mut unit.0))) }.0 == 0;
            }
            // SAFETY: the context is open; the picture is empty, so that nothing is overwritten that had to be freed.
            let got = unsafe { dav1d_get_picture(self.0, Some(NonNull::from(&mut picture.0))) };
            if got.0 == 0 {
                return picture.frame();
            }
            // Every other turn takes some of the data, so this ends.
            if !taken || unit.0.sz == 0 {
                tries += 1;
            }
        }
        None
    }
}

#[expect(unsafe_code, reason = "rav1d has the surface of dav1d, which is C")]
impl Drop for Decoder {
    fn drop(&mut self) {
        // SAFETY: open, and closed only here.
        unsafe { dav1d_close(Some(NonNull::from(&mut self.0))) };
    }
}

/// AV1 data that the decoder takes bit by bit.
struct Unit(Dav1dData);

#[expect(unsafe_code, reason = "rav1d has the surface of dav1d, which is C")]
impl Unit {
    fn new(data: &[u8]) -> Option<Self> {
        let mut unit = Self(Dav1dData::default());
        // SAFETY: valid for writing, and empty before.
        let start = unsafe { dav1d_data_create(Some(NonNull::from(&mut unit.0)), data.len()) };
        let start = NonNull::new(start)?;
        // SAFETY: the call allocated `data.len()` bytes at `start`, which nobody else knows yet.
        unsafe { start.copy_from_nonoverlapping(NonNull::from(data).cast(), data.len()) };
        Some(unit)
    }
}

#[expect(unsafe_code, reason = "rav1d has the surface of dav1d, which is C")]
impl Drop for Unit {
    fn drop(&mut self) {
        // SAFETY: made by `dav1d_data_create`, or empty, which is allowed; the call leaves it empty.
        unsafe { dav1d_data_unref(Some(NonNull::from(&mut self.0))) };
    }
}

/// A picture that belongs to the decoder, whose memory it shares.
#[derive(Default)]
struct Picture(Dav1dPicture);

#[expect(unsafe_code, reason = "rav1d has the surface of dav1d, which is C")]
impl Picture {
    /// Copies the planes out.
    fn frame(&self) -> Option<Frame> {
        let parameters = &self.0.p;
        let (width, height) = (usize::try_from(parameters.w).ok()?, usize::try_from(parameters.h).ok()?);
        // SAFETY: a picture that was handed out has its sequence header, which lives as long as the picture.
        let header = unsafe { self.0.seq_hdr?.as_ref() };
        let mut planes = vec![self.plane(0, 0, width, height)?];
        if parameters.layout != DAV1D_PIXEL_LAYOUT_I400 {
            let narrow = matches!(parameters.layout, DAV1D_PIXEL_LAYOUT_I420 | DAV1D_PIXEL_LAYOUT_I422);
            let low = parameters.layout == DAV1D_PIXEL_LAYOUT_I420;
            let size = (if narrow { width.div_ceil(2) } else { width }, if low { height.div_ceil(2) } else { height });
            planes.push(self.plane(1, 1, size.0, size.1)?);
            planes.push(self.plane(2, 1, size.0, size.1)?);
        }
        let bits = u32::try_from(parameters.bpc).ok()?;
        Some(Frame { width, height, bits, planes, matrix: header.mtrx, full_range: header.color_range != 0 })
    }

    fn plane(&self, number: usize, stride: usize, width: usize, height: usize) -> Option<Plane> {
        let start = (*self.0.data.get(number)?)?;
        let stride = *self.0.stride.get(stride)?;
        let mut samples = Vec::with_capacity(width.checked_mul(height)?);
        for row in 0..height {
            let offset = isize::try_from(row).ok()?.checked_mul(stride)?;
            // SAFETY: the decoder allocated at least `height` rows, `stride` bytes apart, for each plane of the layout,
            // and `row` is less than `height`.
            let row = unsafe { start.byte_offset(offset) };
            if self.0.p.bpc == 8 {
                // SAFETY: a row has at least `width` samples of one byte, all written; nobody writes any more.
                let row = unsafe { std::slice::from_raw_parts(row.cast::<u8>().as_ptr(), width) };
                samples.extend(row.iter().copied().map(u16::from));
            } else {
                // SAFETY: as above with samples of two bytes; planes and strides are aligned to 64 bytes.
                samples.extend_from_slice(unsafe { std::slice::from_raw_parts(row.cast::<u16>().as_ptr(), width) });
            }
        }
        Some(Plane { width, samples })
    }
}

#[expect(unsafe_code, reason = "rav1d has the surface of dav1d, which is C")]
impl Drop for Picture {
    fn drop(&mut self) {
        // SAFETY: handed out by the decoder, or empty, which is allowed; the call leaves it empty.
        unsafe { dav1d_picture_unref(Some(NonNull::from(&mut self.0))) };
        // Empty but for an allocation that rav1d 1.1.0 makes anew and forgets.
        if let Some(left) = self.0.itut_t35_ref.take() {
            // SAFETY: made from an `Arc` by the call above; taken, so that nobody else gives it back.
            drop(unsafe { left.into_arc() });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::fixtures;

    #[test]
    fn broken_data_are_refused_without_a_word() {
        // In a process of its own, whose stderr can be looked at.
        if std::env::var_os("AVIF_BROKEN").is_none() {
            let name = thread::current().name().unwrap().to_owned();
            let mut child = std::process::Command::new(std::env::current_exe().unwrap());
            let output = child.args([&name, "--exact", "--nocapture"]).env("AVIF_BROKEN", "1").output().unwrap();
            assert!(output.status.success());
            assert_eq!(String::from_utf8_lossy(&output.stderr), "");
            return;
        }
        let file = fixtures::sample(Format::Avif);
        let start = memchr::memmem::find(&file, b"mdat").unwrap() + 4;
        let stop = Stop::new(Duration::from_secs(60));
        for cut in start + 1..file.len() - 1 {
            assert!(decode(&file[start..cut], 10_000, &stop).is_err(), "cut at {cut}");
        }
        assert!(decode(&file[start..], 10_000, &stop).is_ok());
        assert_eq!(LOST.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn a_panic_on_such_a_thread_ends_the_job_and_not_the_process() {
        // The thread sleeps within the hook, and who then wants to change the hook waits for ever, as the harness of the
        // tests does: so this happens in a process of its own.
        if std::env::var_os("AVIF_PANICS").is_none() {
            let name = thread::current().name().unwrap().to_owned();
            let mut child = std::process::Command::new(std::env::current_exe().unwrap());
            let status = child.args([&name, "--exact", "--nocapture"]).env("AVIF_PANICS", "1").status().unwrap();
            assert_eq!(status.code(), Some(41));
            return;
        }
        stop_panics();
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || {
            WAITING.set(Some(sender));
            panic!("on purpose");
        });
        assert!(receiver.recv().unwrap().is_none());
        assert_eq!(LOST.load(Ordering::Relaxed), 1);
        std::process::exit(41);
    }
}
