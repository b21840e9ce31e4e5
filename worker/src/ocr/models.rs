//! The two networks, and how they are run.

use std::{fs, path::Path, sync::Arc};

use common::Failure;
use rten::{Model, RunOptions, ThreadPool};
use rten_tensor::{NdTensor, Tensor, prelude::*};

/// PP-OCRv6 tiny, see models/ocr/NOTICE.
static DETECTOR: &[u8] = include_bytes!("../../models/ocr/det.onnx");
static RECOGNISER: &[u8] = include_bytes!("../../models/ocr/rec.onnx");
static LETTERS: &str = include_str!("../../models/ocr/dict.txt");

/// More threads than this wait for each other.
const MOST_THREADS: usize = 4;

/// The networks, loaded.
pub(super) struct Models {
    detector: Model,
    recogniser: Model,
    /// What the classes of the recogniser stand for; the first is "nothing".
    letters: Vec<String>,
    threads: Arc<ThreadPool>,
}

impl std::fmt::Debug for Models {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Models").field("letters", &self.letters.len()).finish_non_exhaustive()
    }
}

impl Models {
    /// Those that come with the program.
    pub(super) fn built_in() -> Result<Self, String> {
        let load = |bytes| Model::load_static_slice(bytes).map_err(|error| error.to_string());
        Ok(Self::of(load(DETECTOR)?, load(RECOGNISER)?, LETTERS))
    }

    /// `det.onnx`, `rec.onnx` and `dict.txt` of `folder`.
    pub(super) fn of_folder(folder: &Path) -> Result<Self, String> {
        let wrong = |name: &str, error: &dyn std::fmt::Display| format!("{}: {error}", folder.join(name).display());
        let load = |name| {
            let bytes = fs::read(folder.join(name)).map_err(|error| wrong(name, &error))?;
            Model::load(bytes).map_err(|error| wrong(name, &error))
        };
        let letters = fs::read_to_string(folder.join("dict.txt")).map_err(|error| wrong("dict.txt", &error))?;
        Ok(Self::of(load("det.onnx")?, load("rec.onnx")?, &letters))
    }

    fn of(detector: Model, recogniser: Model, letters: &str) -> Self {
        let letters = [String::new()].into_iter().chain(letters.lines().map(str::to_owned)).chain([" ".to_owned()]);
        let threads = std::thread::available_parallelism().map_or(1, usize::from).min(MOST_THREADS);
        let threads = Arc::new(ThreadPool::with_num_threads(threads));
        Self { detector, recogniser, letters: letters.collect(), threads }
    }

    /// What the class `index` stands for.
    pub(super) fn letter(&self, index: usize) -> Option<&str> {
        self.letters.get(index).map(String::as_str)
    }

    /// How likely each pixel belongs to text.
    pub(super) fn detect(&self, planes: NdTensor<f32, 4>) -> Result<Tensor<f32>, Failure> {
        self.run(&self.detector, planes)
    }

    /// How likely each class is at each place of each line.
    pub(super) fn recognise(&self, lines: NdTensor<f32, 4>) -> Result<Tensor<f32>, Failure> {
        self.run(&self.recogniser, lines)
    }

    fn run(&self, model: &Model, input: NdTensor<f32, 4>) -> Result<Tensor<f32>, Failure> {
        let options = RunOptions::default().with_thread_pool(Some(self.threads.clone()));
        let output = model.run_one(input.view().into(), Some(options)).map_err(|error| Failure::internal(&error))?;
        output.try_into().map_err(|_| Failure::internal(&"the network for text answers with another type"))
    }
}
