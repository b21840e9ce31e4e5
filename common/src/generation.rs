//! Pictures that a model makes: how they are asked for, by whose money, and what came out.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    ImageRecord, Usd, Warning,
    job::{Return, SaveTo, Source},
    models::Range,
    outcome::PreviewRef,
    recipe::Region,
};

/// What a picture shall be like. What is not set is left to the model.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub struct Wishes {
    /// Instead of the model in the settings.
    pub model: Option<String>,
    /// How many pictures.
    pub n: Option<u8>,
    /// `auto`, or width and height such as `1536x1024`.
    pub size: Option<String>,
    /// Instead of a size: width and height as a ratio, such as `16:9`.
    pub aspect_ratio: Option<String>,
    /// `low`, `medium`, `high`, `auto`; some models know more.
    pub quality: Option<String>,
    /// `transparent`, `opaque` or `auto`.
    pub background: Option<String>,
    /// `png`, `jpeg`, `webp`; some models know more.
    pub output_format: Option<String>,
    /// 0 to 100, for JPEG and WebP.
    pub output_compression: Option<u8>,
    /// `auto` or `low`; of new pictures only.
    pub moderation: Option<String>,
    /// `low` or `high`; of changed pictures, and older models only.
    pub input_fidelity: Option<String>,
    /// How many unfinished pictures to show on the way.
    pub partial_images: Option<u8>,
}

impl Wishes {
    /// How many pictures are made.
    #[must_use]
    pub fn count(&self) -> u8 {
        self.n.unwrap_or(1)
    }
}

/// By whose money, and how much of it.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Payment {
    /// The most that the caller may spend in a day, UTC.
    pub daily: Option<Usd>,
    /// The most that the caller may spend in a month, UTC.
    pub monthly: Option<Usd>,
    /// What costs more than this is to be confirmed; `None`: it has been.
    pub confirm_above: Option<Usd>,
}

/// How far a variation may go from its picture.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
#[expect(missing_docs, reason = "explained where it is an argument")]
pub enum Strength {
    Subtle,
    #[default]
    Medium,
    Strong,
}

/// What shall be made, and from what.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "task", rename_all = "snake_case")]
pub enum Task {
    /// A new picture.
    Create {
        /// What it shall show.
        prompt: String,
        /// Pictures to go by.
        references: Vec<Source>,
    },
    /// A picture changed, or one made from several.
    Edit {
        /// What shall become of them.
        prompt: String,
        /// 1 to 16.
        images: Vec<Source>,
        /// Where the first may change: transparent or white there.
        mask: Option<Source>,
        /// The same as boxes, in pixels of the first picture, upright.
        regions: Vec<Region>,
        /// Whether the rest of it is put back afterwards.
        preserve_outside_mask: bool,
        /// Whether a model that sees looks first, and again at what came out.
        analyze_first: bool,
    },
    /// Others like it.
    Vary {
        /// The picture.
        image: Source,
        /// How far they may go.
        strength: Strength,
        /// What must stay.
        keep: Option<String>,
    },
    /// One that fits its description.
    Recreate {
        /// The picture.
        image: Source,
        /// The style of the new one, instead of its own.
        style: Option<String>,
        /// What shall be otherwise.
        changes: Option<String>,
    },
}

impl Task {
    /// The tool that asks for it.
    #[must_use]
    pub fn tool(&self) -> &'static str {
        match self {
            Self::Create { .. } => "create_image",
            Self::Edit { .. } => "edit_image",
            Self::Vary { .. } => "generate_variations",
            Self::Recreate { .. } => "describe_and_recreate",
        }
    }

    /// The pictures that the caller named.
    #[must_use]
    pub fn sources(&self) -> Vec<&Source> {
        match self {
            Self::Create { references, .. } => references.iter().collect(),
            Self::Edit { images, mask, .. } => images.iter().chain(mask).collect(),
            Self::Vary { image, .. } | Self::Recreate { image, .. } => vec![image],
        }
    }
}

/// Pictures that a model shall make.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Generation {
    /// What shall be made.
    #[serde(flatten)]
    pub task: Task,
    /// What it shall be like.
    pub wishes: Wishes,
    /// What the reply shows.
    #[serde(rename = "return")]
    pub show: Return,
    /// A file to write besides.
    pub save_to: Option<SaveTo>,
    /// Whether a model that sees says in a sentence what each shows.
    pub describe: bool,
    /// By whose money.
    pub payment: Payment,
}

/// A prompt that shall be written for a picture.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct WritePrompt {
    /// The picture.
    pub source: Source,
    /// Which generator it is for.
    pub target: Target,
    /// A style for the new picture, instead of its own.
    pub style: Option<String>,
    /// How long it is.
    pub length: Length,
    /// How many different ones.
    pub n: u8,
    /// By whose money.
    pub payment: Payment,
}

/// A generator that takes prompts.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
#[expect(missing_docs, reason = "explained where it is an argument")]
pub enum Target {
    #[default]
    GptImage,
    Midjourney,
    Sdxl,
    Generic,
}

/// How long a prompt is.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
#[expect(missing_docs, reason = "explained where it is an argument")]
pub enum Length {
    Short,
    #[default]
    Medium,
    Long,
}

/// Prompts that were written.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Prompts {
    /// The picture's record, if it is in the store.
    pub image: Option<ImageRecord>,
    /// The prompts: words of a model, which may hold words out of the picture.
    pub prompts: Vec<String>,
    /// What the picture shall not show, for generators that are told.
    pub negative_prompt: Option<String>,
    /// Who looked, and what it cost.
    pub bill: Bill,
}

/// Pictures that were made.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Generated {
    /// Their records.
    pub images: Vec<ImageRecord>,
    /// What each shows, in the words of a model; as many as there are pictures, or none.
    pub descriptions: Vec<String>,
    /// What the model was told, where that is not what the caller said.
    pub prompt: Option<String>,
    /// What was done, in order.
    pub applied: Vec<String>,
    /// What was asked for and had no effect.
    pub ignored: Vec<String>,
    /// What the caller should know.
    pub warnings: Vec<Warning>,
    /// Who made it, and what it cost.
    pub bill: Bill,
    /// What the reply shows.
    pub preview: Option<PreviewRef>,
    /// The files that were written besides the store.
    pub saved_to: Vec<String>,
}

/// Who did it, and what it cost.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Bill {
    /// The model.
    pub model: String,
    /// Why it is another than was asked for, or how long it will be there.
    pub model_note: Option<String>,
    /// What all calls cost together; `None` where no price is known.
    pub cost: Option<Usd>,
    /// The provider's name for the call.
    pub request_id: Option<String>,
}

/// What a call would cost, which is to be confirmed first.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Quoted {
    /// The model that would be used.
    pub model: String,
    /// Why it is another than was asked for, or how long it will be there.
    pub model_note: Option<String>,
    /// What it costs about; `None` where nobody knows before.
    pub cost: Option<Range>,
    /// Where that comes from.
    pub basis: String,
    /// Why it is to be confirmed.
    pub why: String,
}
