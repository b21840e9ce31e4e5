//! Jobs: what crosses the queue. Ids and parameters, never bytes.

use serde::{Deserialize, Serialize};

use crate::{
    ImageId, JobId, Recipe, UserId,
    analysis::{Detail, Focus},
    generation::{Generation, Payment, WritePrompt},
    reading::{Layout, Reader},
    report::Section,
};

/// Which workers take a job. Transforms eat cores for 50 ms, other jobs wait on disks and networks for seconds:
/// one queue would let the first starve the second.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Lane {
    /// Eats a core.
    Cpu,
    /// Waits.
    Remote,
}

impl Lane {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Cpu, Self::Remote];

    /// The constant, versioned name of its queue.
    #[must_use]
    pub fn queue_name(self) -> &'static str {
        match self {
            Self::Cpu => "image:cpu:v1",
            Self::Remote => "image:remote:v1",
        }
    }
}

/// Where the bytes of a picture come from.
#[derive(Clone, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// An earlier result.
    Image(ImageId),
    /// A file of the server, as the caller named it; the worker checks and opens it in one step.
    Path(String),
    /// Bytes that came with the call and wait in the blob store under this id.
    Inline(ImageId),
    /// An https address; the worker judges and fetches it.
    Url(String),
}

impl Source {
    /// The stored picture that it is, or becomes.
    #[must_use]
    pub fn image(&self) -> Option<&ImageId> {
        match self {
            Self::Image(id) | Self::Inline(id) => Some(id),
            Self::Path(_) | Self::Url(_) => None,
        }
    }
}

/// Which picture the reply shows.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, PartialEq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
#[expect(missing_docs, reason = "explained where it is an argument")]
pub enum Return {
    #[default]
    Preview,
    Full,
    Link,
    None,
}

/// Where a result is written besides the store; local use only.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct SaveTo {
    /// A path inside an allowed folder, as the caller named it.
    pub path: String,
    /// Whether an existing file may be replaced.
    pub overwrite: bool,
}

/// One picture through one recipe.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Transform {
    /// The picture.
    pub source: Source,
    /// What to do.
    pub recipe: Recipe,
    /// The other pictures that the recipe names, in the order of its steps.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<Source>,
    /// Whether a damaged file is an error instead of a warning.
    pub strict: bool,
    /// What the reply shows.
    #[serde(rename = "return")]
    pub show: Return,
    /// A file to write besides.
    pub save_to: Option<SaveTo>,
}

/// What a file says about a picture.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Inspect {
    /// The picture.
    pub source: Source,
    /// The parts to report.
    pub sections: Vec<Section>,
    /// Whether the reply shows the picture.
    pub thumbnail: bool,
}

/// The text in a picture.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct ExtractText {
    /// The picture.
    pub source: Source,
    /// How it is given back.
    pub layout: Layout,
    /// The languages it may be in, as codes of ISO 639.
    pub languages: Vec<String>,
    /// What reads it.
    pub engine: Reader,
    /// By whose money, where a model reads it.
    pub payment: Payment,
}

/// How two pictures differ.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Compare {
    /// The first picture.
    pub image_a: Source,
    /// The one that is held against it.
    pub image_b: Source,
    /// Whether the second may be moved to fit.
    pub align: bool,
    /// The least difference of a pixel that counts, 0 to 1.
    pub threshold: f32,
    /// Whether pixels that only smooth an edge are left out.
    pub ignore_antialiasing: bool,
    /// Whether the text in both is read and compared.
    pub text: bool,
    /// Whether a model that sees says how they differ.
    pub describe: bool,
    /// By whose money.
    pub payment: Payment,
    /// What the reply shows of the heat map.
    #[serde(rename = "return")]
    pub show: Return,
}

/// What can be told of a picture.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Analyze {
    /// The picture.
    pub source: Source,
    /// What is asked, for a model that sees.
    pub prompt: Option<String>,
    /// How closely that model looks.
    pub detail: Option<Detail>,
    /// The parts to tell; empty: all that there are.
    pub focus: Vec<Focus>,
    /// By whose money, where a model looks; `None`: the caller may not have one look.
    pub payment: Option<Payment>,
}

impl Analyze {
    /// Whether there is anything to tell that only a model sees.
    #[must_use]
    pub fn wants_model(&self) -> bool {
        self.prompt.is_some() || self.focus.is_empty() || self.focus.iter().any(|focus| !Focus::LOCAL.contains(focus))
    }
}

/// Where the pictures of a batch come from.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BatchSource {
    /// The files of a folder of the server.
    Folder {
        /// The folder, as the caller named it.
        folder: String,
        /// Which names count.
        glob: String,
        /// Whether folders below count too.
        recursive: bool,
    },
    /// Pictures named one by one.
    Images(Vec<Source>),
}

/// What to do when a name is taken.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
#[expect(missing_docs, reason = "explained where it is an argument")]
pub enum OnConflict {
    #[default]
    Suffix,
    Skip,
    Overwrite,
    Error,
}

impl OnConflict {
    /// Reads what [`Self::name`] writes.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Suffix, Self::Skip, Self::Overwrite, Self::Error].into_iter().find(|policy| policy.name() == text)
    }

    /// The name in arguments.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Suffix => "suffix",
            Self::Skip => "skip",
            Self::Overwrite => "overwrite",
            Self::Error => "error",
        }
    }
}

/// Many pictures through one recipe.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Batch {
    /// The pictures.
    pub source: BatchSource,
    /// What to do with each.
    pub recipe: Recipe,
    /// The other pictures that the recipe names, in the order of its steps.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<Source>,
    /// How results are named, such as `{stem}-{width}.{ext}`.
    pub name: String,
    /// What to do when a name is taken.
    pub on_conflict: OnConflict,
    /// A folder inside the allowed ones to write to besides the store, as the caller named it.
    pub save_to: Option<String>,
    /// Whether a damaged file is an error instead of a warning.
    pub strict: bool,
    /// Give up after so many failed pictures.
    pub max_failures: Option<u32>,
    /// How the reply shows the first contact sheet.
    #[serde(default)]
    pub show: Return,
}

/// What is to be done.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Work {
    /// One picture through one recipe.
    Transform(Transform),
    /// What a file says about a picture.
    Inspect(Inspect),
    /// The text in a picture.
    ExtractText(ExtractText),
    /// How two pictures differ.
    Compare(Compare),
    /// What can be told of a picture.
    Analyze(Analyze),
    /// Pictures that a model shall make.
    Generate(Box<Generation>),
    /// A prompt that a model shall write for a picture.
    WritePrompt(WritePrompt),
    /// Find the pictures of a batch and queue the first of them.
    BatchPlan(Batch),
    /// One picture of a batch.
    BatchItem {
        /// Which one.
        index: u32,
    },
    /// Write the manifest of a batch whose pictures are all through.
    BatchFinish,
    /// The small picture that shows a stored one.
    Thumbnail {
        /// The stored one.
        image: ImageId,
    },
}

impl Work {
    /// The stored pictures that it reads, those that came with the call included. Of a batch, those that were named one
    /// by one.
    pub fn images(&self) -> impl Iterator<Item = &ImageId> {
        self.sources().into_iter().filter_map(Source::image)
    }

    /// Whether it makes pictures that are kept.
    #[must_use]
    pub fn makes_pictures(&self) -> bool {
        match self {
            Self::Transform(_) | Self::Generate(_) | Self::BatchPlan(_) | Self::BatchItem { .. } => true,
            Self::Compare(compare) => compare.show != Return::None,
            _ => false,
        }
    }

    /// The pictures that the caller named, one by one.
    fn sources(&self) -> Vec<&Source> {
        match self {
            Self::Transform(transform) => [&transform.source].into_iter().chain(&transform.others).collect(),
            Self::Inspect(inspect) => vec![&inspect.source],
            Self::ExtractText(extract) => vec![&extract.source],
            Self::Analyze(analyze) => vec![&analyze.source],
            Self::Compare(compare) => vec![&compare.image_a, &compare.image_b],
            Self::Generate(generation) => generation.task.sources(),
            Self::WritePrompt(write) => vec![&write.source],
            Self::BatchPlan(batch) => match &batch.source {
                BatchSource::Folder { .. } => batch.others.iter().collect(),
                BatchSource::Images(images) => images.iter().chain(&batch.others).collect(),
            },
            Self::BatchItem { .. } | Self::BatchFinish | Self::Thumbnail { .. } => Vec::new(),
        }
    }

    /// Whether it reads or writes files of the server that the caller named.
    #[must_use]
    pub fn names_files(&self) -> bool {
        let besides = match self {
            Self::Transform(transform) => transform.save_to.is_some(),
            Self::Generate(generation) => generation.save_to.is_some(),
            Self::BatchPlan(batch) => matches!(batch.source, BatchSource::Folder { .. }) || batch.save_to.is_some(),
            _ => false,
        };
        besides || self.sources().iter().any(|source| matches!(source, Source::Path(_)))
    }

    /// The kind as records and logs name it.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Transform(_) => "transform",
            Self::Inspect(_) => "inspect",
            Self::ExtractText(_) => "extract_text",
            Self::Compare(_) => "compare",
            Self::Analyze(_) => "analyze",
            Self::Generate(_) => "generate",
            Self::WritePrompt(_) => "write_prompt",
            Self::BatchPlan(_) => "batch_plan",
            Self::BatchItem { .. } => "batch_item",
            Self::BatchFinish => "batch_finish",
            Self::Thumbnail { .. } => "thumbnail",
        }
    }

    /// Who takes it.
    #[must_use]
    pub fn lane(&self) -> Lane {
        // Other people's servers may be slow.
        if self.sources().iter().any(|source| matches!(source, Source::Url(_))) {
            return Lane::Remote;
        }
        match self {
            // These may ask a model, which takes its time.
            Self::ExtractText(extract) if extract.engine == Reader::Model => Lane::Remote,
            Self::Compare(compare) if compare.describe => Lane::Remote,
            Self::Analyze(analyze) if analyze.wants_model() => Lane::Remote,
            Self::Generate(_) | Self::WritePrompt(_) | Self::BatchPlan(_) | Self::BatchFinish => Lane::Remote,
            Self::Transform(_)
            | Self::Inspect(_)
            | Self::BatchItem { .. }
            | Self::ExtractText(_)
            | Self::Compare(_)
            | Self::Thumbnail { .. }
            | Self::Analyze(_) => Lane::Cpu,
        }
    }
}

/// What crosses the queue.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Job {
    /// The version of this envelope; a worker that does not know it puts the entry aside with a reason.
    pub version: u32,
    /// The record it belongs to.
    pub id: JobId,
    /// Whose it is.
    pub owner: UserId,
    /// What is to be done.
    pub work: Work,
}

impl Job {
    /// The version this program writes and reads.
    pub const VERSION: u32 = 1;

    /// A job of the present version.
    #[must_use]
    pub fn new(id: JobId, owner: UserId, work: Work) -> Self {
        Self { version: Self::VERSION, id, owner, work }
    }
}
