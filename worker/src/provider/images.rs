//! Pictures made from words (`/images/generations`) and from other pictures (`/images/edits`).

use bytes::Bytes;
use common::{
    Failure, FailureKind, Usd,
    generation::Wishes,
    models::{Chosen, Range, Usage},
};
use reqwest::multipart::{Form, Part};
use serde_json::{Map, Value};
use tokio::time::Instant;

use super::{
    Partial, Provider,
    answer::{self, Pictures},
    prepare::Upload,
    retry::{self, Purpose, Refused},
    wishes,
};

/// The most pictures that one edit may start from.
const MAX_IMAGES: usize = 16;

/// A picture to be made from words.
#[derive(Clone, Debug, Default)]
pub struct Generate {
    /// What it shall show.
    pub prompt: String,
    /// What it shall be like.
    pub wishes: Wishes,
}

/// A picture to be made from others.
#[derive(Clone, Debug, Default)]
pub struct Edit {
    /// What shall become of them.
    pub prompt: String,
    /// What it shall be like.
    pub wishes: Wishes,
    /// 1 to 16 files of any format that the engine reads.
    pub images: Vec<Bytes>,
    /// Where the first of them may change: transparent or, in a picture without transparency, white.
    pub mask: Option<Bytes>,
    /// Whether the rest of it is put back afterwards: to the model, a mask is a hint.
    pub preserve_outside_mask: bool,
}

/// What a call comes to, before it is made.
#[derive(Clone, Debug, PartialEq)]
pub struct Quote {
    /// The model that will be used.
    pub model: String,
    /// Why it is another than was asked for, or how long it will be there.
    pub model_note: Option<String>,
    /// What is asked for, its shape turned into a size.
    pub wishes: Wishes,
    /// What it costs about; `None` where nobody knows before.
    pub cost: Option<Range>,
    /// Where that comes from.
    pub basis: String,
}

/// Pictures that were made.
#[derive(Clone, Debug)]
pub struct Made {
    /// The files, as the provider made them.
    pub images: Vec<Bytes>,
    /// The model that made them.
    pub model: String,
    /// Why it is another than was asked for, or how long it will be there.
    pub model_note: Option<String>,
    /// What was asked for and had no effect, with the reason.
    pub ignored: Vec<String>,
    /// Tokens, where the provider counts.
    pub usage: Option<Usage>,
    /// What they cost, where the model's price is known.
    pub cost: Option<Usd>,
    /// The provider's name for the call.
    pub request_id: Option<String>,
}

impl Provider {
    /// Checks what is asked for: pictures by `prompt`, from so many others. Says what they cost about. Asks nobody.
    ///
    /// # Errors
    /// `invalid_argument`, `missing_api_key`.
    pub fn quote(&self, prompt: &str, wishes: &Wishes, from: usize) -> Result<Quote, Failure> {
        wishes::check_prompt(prompt)?;
        let defaults = if from == 0 { self.image_default() } else { self.edit_default() };
        let chosen = self.models().image(wishes.model.as_deref(), defaults, self.now_ms())?;
        let wishes = &wishes::shaped(wishes, chosen.known)?;
        wishes::check(wishes, chosen.known)?;
        let (other, what) = match from {
            0 => (wishes.input_fidelity.as_ref().map(|_| "input_fidelity"), "a picture is made from others"),
            _ => (wishes.moderation.as_ref().map(|_| "moderation"), "a picture is made from words alone"),
        };
        if let Some(name) = other {
            return Err(
                Failure::invalid(name, format!("{name} goes only where {what}.")).next(format!("Leave {name} out."))
            );
        }
        if from > MAX_IMAGES {
            return Err(Failure::invalid("images", format!("{from} images are given."))
                .allowed(format!("at most {MAX_IMAGES}"))
                .next("Name fewer images."));
        }
        self.need_key()?;
        Ok(self.price(prompt, wishes, from, chosen))
    }

    fn price(&self, prompt: &str, wishes: &Wishes, from: usize, chosen: Chosen<'_>) -> Quote {
        let price = self.models().price(&chosen.name);
        let estimate = chosen.known.and_then(|model| model.estimate.as_ref());
        let count = u64::from(wishes.count());
        let made = estimate.and_then(|known| known.of(wishes.quality.as_deref(), wishes::size(wishes), count));
        let sent = price.map(|price| price.of_sending(prompt.chars().count() as u64, from as u64));
        let cost = made.zip(sent).map(|(made, sent)| made + sent);
        let (model, as_of) = (&chosen.name, self.models().as_of());
        let basis = match estimate.and_then(|known| known.like.as_deref()) {
            _ if cost.is_none() => {
                format!("no price is known for {model}; what it cost is told afterwards if it can be")
            }
            Some(like) => format!("prices of {like} as of {as_of}: none are published for {model}"),
            None => format!("prices of {model} as of {as_of}"),
        };
        Quote { model: chosen.name, model_note: chosen.note, wishes: wishes.clone(), cost, basis }
    }

    /// Makes pictures from words. Dropping the future drops the request.
    ///
    /// # Errors
    /// What is wrong with what was asked for, or what the provider says; `outcome_unknown` where it may have been paid for.
    pub async fn generate(&self, ask: &Generate, progress: &(dyn Fn(Partial) + Send + Sync)) -> Result<Made, Failure> {
        let quote = self.quote(&ask.prompt, &ask.wishes, 0)?;
        let (fields, ignored) = wishes::fields(&quote.wishes, self.is_compat());
        let head = [("model", Value::from(quote.model.as_str())), ("prompt", Value::from(ask.prompt.as_str()))];
        let body: Map<String, Value> =
            head.into_iter().chain(fields).map(|(name, value)| (name.to_owned(), value)).collect();
        let fill = |request: reqwest::RequestBuilder| request.json(&body);
        let (pictures, request_id) = self.make("images/generations", ask.wishes.count(), fill, progress).await?;
        Ok(self.made(quote, &ask.wishes, ignored, pictures, request_id, false).await)
    }

    /// Makes pictures from others. Dropping the future drops the request.
    ///
    /// # Errors
    /// What is wrong with what was asked for, or what the provider says; `outcome_unknown` where it may have been paid for.
    pub async fn edit(&self, ask: &Edit, progress: &(dyn Fn(Partial) + Send + Sync)) -> Result<Made, Failure> {
        if ask.images.is_empty() {
            return Err(Failure::invalid("images", "No images are given."));
        }
        let quote = self.quote(&ask.prompt, &ask.wishes, ask.images.len())?;
        let mut uploads = Vec::new();
        for (index, image) in ask.images.iter().enumerate() {
            let at = |failure: Failure| failure.argument(format!("images[{index}]"));
            uploads.push(self.upload(image).await.map_err(at)?);
        }
        let mask = match (&ask.mask, uploads.first()) {
            (Some(mask), Some(first)) => {
                Some(self.mask(mask, first).await.map_err(|failure| failure.argument("mask"))?)
            }
            _ => None,
        };
        let mut wishes = quote.wishes.clone();
        let put_back = mask.as_ref().zip(uploads.first()).filter(|_| ask.preserve_outside_mask);
        if let Some((_, first)) = put_back
            && wishes.size.is_none()
        {
            wishes.size = self.models().makes_any_size(&quote.model).then(|| {
                let (width, height) = wishes::nearest((first.width, first.height));
                format!("{width}x{height}")
            });
        }
        let (fields, mut ignored) = wishes::fields(&wishes, self.is_compat());
        let fill = |request: reqwest::RequestBuilder| {
            request.multipart(form(&quote.model, &ask.prompt, &fields, &uploads, mask.as_ref()))
        };
        let count = wishes.count();
        let (mut pictures, request_id) = self.make("images/edits", count, fill, progress).await?;
        if let Some((mask, first)) = put_back {
            ignored.extend(self.put_back(&mut pictures.images, first, mask).await);
        }
        Ok(self.made(quote, &ask.wishes, ignored, pictures, request_id, true).await)
    }

    /// Sends a request for pictures, again where that costs nothing, and reads what comes.
    async fn make(
        &self,
        path: &str,
        count: u8,
        fill: impl Fn(reqwest::RequestBuilder) -> reqwest::RequestBuilder,
        progress: &(dyn Fn(Partial) + Send + Sync),
    ) -> Result<(Pictures, Option<String>), Failure> {
        let deadline = Instant::now() + self.timeout();
        let fill = &fill;
        let attempt = async |_| {
            self.pace().turn(u64::from(count), deadline).await.map_err(Refused::finally)?;
            // It may have waited for its turn.
            let left = deadline.saturating_duration_since(Instant::now());
            let sent = self.http().post(Purpose::Make, path, left, fill).await;
            if let Err(Refused { failure, after, .. }) = &sent
                && failure.kind == FailureKind::RateLimited
            {
                self.pace().pause(*after).await;
            }
            sent
        };
        let answered =
            retry::until(Purpose::Make, deadline, attempt).await.map_err(|Refused { failure, .. }| failure)?;
        let request_id = answered.request_id.clone();
        let pictures = answer::read(answered, self.http(), progress).await?;
        Ok((pictures, request_id))
    }

    async fn made(
        &self,
        quote: Quote,
        wishes: &Wishes,
        mut ignored: Vec<String>,
        pictures: Pictures,
        request_id: Option<String>,
        from_pictures: bool,
    ) -> Made {
        let Pictures { images, usage } = pictures;
        if images.len() < usize::from(wishes.count()) {
            ignored.push(format!("n: the provider made {} of {}", images.len(), wishes.count()));
        }
        if wishes.background.as_deref() == Some("transparent") && !self.is_compat() {
            for image in &images {
                if !self.is_transparent(image).await {
                    ignored.push("background: the provider made a picture that is not transparent".into());
                    break;
                }
            }
        }
        let price = self.models().price(&quote.model);
        let cost = usage.zip(price).map(|(usage, price)| price.of(&usage, from_pictures));
        Made { images, model: quote.model, model_note: quote.model_note, ignored, usage, cost, request_id }
    }

    /// # Errors
    /// `missing_api_key`.
    pub(super) fn need_key(&self) -> Result<(), Failure> {
        if self.http().lacks_key() {
            return Err(Failure::new(
                FailureKind::MissingApiKey,
                "This needs a model, and the server has no key for one.",
            )
            .next("Ask the operator to set OPENAI_API_KEY; the tools that need no model work without it."));
        }
        Ok(())
    }
}

/// The parts of an edit. One picture is the part `image`; of several each is a part `image[]`, because two parts of one
/// name are refused. Each has a file name and says truly what it is.
fn form(
    model: &str,
    prompt: &str,
    fields: &[(&'static str, Value)],
    uploads: &[Upload],
    mask: Option<&Upload>,
) -> Form {
    let mut form = Form::new().text("model", model.to_owned()).text("prompt", prompt.to_owned());
    for (name, value) in fields {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        form = form.text(*name, text);
    }
    let name = if uploads.len() == 1 { "image" } else { "image[]" };
    for (index, upload) in uploads.iter().enumerate() {
        form = form.part(name, file(upload, &format!("image-{}", index + 1)));
    }
    match mask {
        Some(mask) => form.part("mask", file(mask, "mask")),
        None => form,
    }
}

fn file(upload: &Upload, stem: &str) -> Part {
    let name = format!("{stem}.{}", upload.format.extension());
    let part = Part::stream_with_length(upload.bytes.clone(), upload.bytes.len() as u64).file_name(name);
    let mut headers = reqwest::header::HeaderMap::new();
    let media_type = reqwest::header::HeaderValue::from_static(upload.format.media_type());
    headers.insert(reqwest::header::CONTENT_TYPE, media_type);
    part.headers(headers)
}
