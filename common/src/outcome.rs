//! What came out of a job: small JSON; the bytes are in the blob store.

use serde::{Deserialize, Serialize};

use crate::{
    Facts, Format, ImageRecord, Warning,
    analysis::{Measured, Vision},
    comparison::{Comparison, TextChanges},
    generation::{Bill, Generated, Prompts, Quoted},
    reading::Reading,
    report::Report,
};

/// A picture shown in a reply, in the blob store.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct PreviewRef {
    /// The key of its bytes.
    pub blob: String,
    /// `image/jpeg`, `image/png` or `image/webp`.
    pub media_type: String,
}

/// The picture as it was.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Before {
    /// Pixels, upright.
    pub width: u32,
    /// Pixels, upright.
    pub height: u32,
    /// The format of the file.
    pub format: Format,
    /// Size of the file.
    pub bytes: u64,
}

/// A transformed picture.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Transformed {
    /// The record of the result.
    pub image: ImageRecord,
    /// The picture as it was.
    pub before: Before,
    /// What was done, in order.
    pub applied: Vec<String>,
    /// What was asked for and had no effect.
    pub ignored: Vec<String>,
    /// What the caller should know.
    pub warnings: Vec<Warning>,
    /// What the reply shows.
    pub preview: Option<PreviewRef>,
    /// The file that was written besides the store.
    pub saved_to: Option<String>,
}

/// An inspected picture.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Inspected {
    /// Its record, if it is in the store.
    pub image: Option<ImageRecord>,
    /// Its facts; `sha256` is empty where the start of the file was enough and its hash is not known.
    pub facts: Facts,
    /// What was found.
    pub report: Report,
    /// What the caller should know.
    pub warnings: Vec<Warning>,
    /// What the reply shows.
    pub preview: Option<PreviewRef>,
}

/// A picture whose text was read.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct TextExtracted {
    /// Its record, if it is in the store.
    pub image: Option<ImageRecord>,
    /// Its facts.
    pub facts: Facts,
    /// What was read.
    pub reading: Reading,
    /// Which model read it and what that cost, where one did.
    pub bill: Option<Bill>,
    /// What the caller should know.
    pub warnings: Vec<Warning>,
}

/// Two pictures that were compared.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Compared {
    /// How they differ.
    pub comparison: Comparison,
    /// The record of the drawing of what differs.
    pub heat_map: Option<ImageRecord>,
    /// How their text differs, where both were read.
    pub text: Option<TextChanges>,
    /// How they differ in the words of a model, which may hold words out of the pictures.
    pub description: Option<String>,
    /// Which model said so and what that cost.
    pub bill: Option<Bill>,
    /// What the caller should know.
    pub warnings: Vec<Warning>,
    /// What the reply shows.
    pub preview: Option<PreviewRef>,
}

/// A picture that was analysed.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Analyzed {
    /// Its record, if it is in the store.
    pub image: Option<ImageRecord>,
    /// Its facts.
    pub facts: Facts,
    /// What was measured.
    pub measured: Measured,
    /// What was read, where text was asked for.
    pub reading: Option<Reading>,
    /// What a model saw, where one looked.
    pub vision: Option<Vision>,
    /// What was asked for and had no effect, with the reason.
    pub ignored: Vec<String>,
    /// What the caller should know.
    pub warnings: Vec<Warning>,
}

/// A batch whose pictures are all through.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct BatchDone {
    /// The key of `manifest.jsonl`, a line for each picture.
    pub manifest: String,
    /// The manifest in the folder that was named, if one was.
    pub saved_manifest: Option<String>,
    /// The folder that was written, if one was named.
    pub saved_to: Option<String>,
    /// The report in the folder that was named, if one was.
    #[serde(default)]
    pub saved_report: Option<String>,
    /// The contact sheets in the folder that was named, if one was.
    #[serde(default)]
    pub saved_sheets: Vec<String>,
    /// How many contact sheets there are.
    #[serde(default)]
    pub sheets: u32,
    /// The first of them, as the reply shows it.
    #[serde(default)]
    pub preview: Option<PreviewRef>,
    /// What was left out while pictures were looked for, such as `2 hidden`.
    pub notes: Vec<String>,
}

/// What came out of a job.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Outcome {
    /// Of a transform.
    Transformed(Box<Transformed>),
    /// Of an inspection.
    Inspected(Box<Inspected>),
    /// Of reading text.
    TextExtracted(Box<TextExtracted>),
    /// Of a comparison.
    Compared(Box<Compared>),
    /// Of an analysis.
    Analyzed(Box<Analyzed>),
    /// Of a model that made pictures.
    Generated(Box<Generated>),
    /// Of a model that wrote prompts.
    Prompts(Box<Prompts>),
    /// Nothing was done yet: it costs so much that it is to be confirmed.
    Quoted(Quoted),
    /// Of a batch.
    Batch(BatchDone),
    /// A small picture that shows a stored one.
    Thumbnail(PreviewRef),
}
