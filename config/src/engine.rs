//! What a picture may cost.

use std::{path::PathBuf, time::Duration};

use crate::reader::{About, Reader};

const fn about(name: &'static str, meaning: &'static str) -> About {
    About { section: "Engine", name, meaning }
}

/// What a picture may cost.
#[derive(Clone, Debug)]
pub struct Engine {
    /// Most pixels of a picture, read or made.
    pub max_pixels: u64,
    /// Largest file that is read, in bytes.
    pub max_file_bytes: u64,
    /// Bytes of pixels that all running jobs may hold together.
    pub max_memory_bytes: u64,
    /// Most frames of an animation.
    pub max_frames: u32,
    /// Longest time one picture may take.
    pub job_timeout: Duration,
    /// Where other models for reading text are; `None`: those that come with the program.
    pub ocr_model_dir: Option<PathBuf>,
}

impl Engine {
    pub(crate) fn read(reader: &mut Reader<'_>) -> Self {
        const MIB: u64 = 1 << 20;
        let megapixels = reader.integer(
            &about("MAX_MEGAPIXELS", "Largest picture that is read or made."),
            100,
            1..=268,
            "megapixels",
        );
        let file = reader.integer(&about("MAX_FILE_MB", "Largest file that is read."), 100, 1..=1024, "MiB");
        let memory = reader.integer(
            &about("MAX_MEMORY_MB", "Pixels that all running jobs may hold at once; more wait for their turn."),
            2048,
            64..=1_048_576,
            "MiB",
        );
        let frames = reader.integer(&about("MAX_FRAMES", "Most frames of an animation."), 500, 1..=10_000, "frames");
        let timeout =
            reader.integer(&about("JOB_TIMEOUT_SECS", "Longest time one picture may take."), 120, 1..=3600, "seconds");
        let models = reader.parsed(
            &about(
                "OCR_MODEL_DIR",
                "Folder of other models for reading text: det.onnx, rec.onnx and dict.txt of PP-OCR v4 to v6.",
            ),
            (None, "the models that come with the program"),
            "a folder",
            |text| Ok(Some(PathBuf::from(text))),
        );
        Self {
            max_pixels: megapixels * 1_000_000,
            max_file_bytes: file * MIB,
            max_memory_bytes: memory * MIB,
            max_frames: u32::try_from(frames).unwrap_or(u32::MAX),
            job_timeout: Duration::from_secs(timeout),
            ocr_model_dir: models,
        }
    }
}
