//! Pictures that a model makes: quote, set money aside, look, ask, store, look again.
//!
//! What is paid for is never asked for twice: that it is about to be asked for is written before (`account.submit`), and
//! what came is stored before anything else can fail.

mod again;
mod looks;
mod progress;
mod words;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use common::{
    ByModel, Failure, FailureKind, ImageRecord, Usd, Warning,
    generation::{Bill, Generated, Generation, Quoted, Task},
    job::{Job, SaveTo},
    models::Range,
    outcome::Outcome,
    queue::Hold,
};

pub(super) use self::words::IS_DATA;
use super::{
    Context,
    account::Account,
    input::{self, Input},
    preview_kind, store,
};
use crate::provider::{Edit, Generate, Made};

/// How long the last try to store waits for its turn.
const LONGEST_WAIT: Duration = Duration::from_secs(16);

/// So many pictures are made without asking back, if they are cheap.
const MOST_UNASKED: u8 = 4;

/// One run of a job.
struct Course<'a> {
    account: Account<'a>,
    asked: &'a Generation,
    /// What looking has cost so far.
    looked: Usd,
    /// Whether the request for pictures may have been sent.
    sent: bool,
    /// What the pictures cost that came.
    made: Option<Usd>,
}

pub(crate) async fn run(
    context: &Arc<Context>,
    job: &Job,
    asked: &Generation,
    hold: &Hold,
) -> Result<Outcome, Failure> {
    let quote = context.provider.quote(&words::prompt(&asked.task), &asked.wishes, sent_along(&asked.task))?;
    let looks = looks::most(&context.provider, asked)?;
    let cost = quote.cost.zip(looks).map(|(made, looks)| made + Range { low: Usd::default(), high: looks });
    if let Some(why) = to_confirm(asked, cost) {
        let (model, model_note, basis) = (quote.model, quote.model_note, quote.basis);
        return Ok(Outcome::Quoted(Quoted { model, model_note, cost, basis, why }));
    }
    // Before anything is paid: what comes then is kept whatever it takes up.
    context.stores.images.has_room(&job.owner).await?;
    let account = Account { context, job, tool: asked.task.tool(), payment: &asked.payment };
    let first = account.open(&quote.model, cost.map(|cost| cost.high)).await?;
    let ended = if first {
        let mut course = Course { account, asked, looked: Usd::default(), sent: false, made: None };
        course.run(hold).await
    } else {
        again::stored(context, job, asked).await
    };
    progress::clear(context, &job.id, asked.wishes.partial_images).await;
    ended
}

/// How many pictures go along with the request.
fn sent_along(task: &Task) -> usize {
    match task {
        Task::Create { references, .. } => references.len(),
        Task::Edit { images, .. } => images.len(),
        Task::Vary { .. } => 1,
        Task::Recreate { .. } => 0,
    }
}

/// Why the caller is to be asked first, if so.
fn to_confirm(asked: &Generation, cost: Option<Range>) -> Option<String> {
    let most = asked.payment.confirm_above?;
    match cost {
        Some(cost) if cost.high > most => {
            Some(format!("it may cost {}, and more than {most} is confirmed first", cost.high))
        }
        _ if asked.wishes.count() > MOST_UNASKED => {
            Some(format!("it makes {} images, and more than {MOST_UNASKED} are confirmed first", asked.wishes.count()))
        }
        _ => None,
    }
}

/// The pictures that the caller named, fetched.
struct Inputs {
    pictures: Vec<Input>,
    mask: Option<Input>,
}

impl Inputs {
    async fn fetch(context: &Arc<Context>, job: &Job, task: &Task) -> Result<Self, Failure> {
        let (sources, name, mask) = match task {
            Task::Create { references, .. } => (references.iter().collect(), "reference_images", None),
            Task::Edit { images, mask, .. } => (images.iter().collect(), "images", mask.as_ref()),
            Task::Vary { image, .. } | Task::Recreate { image, .. } => (vec![image], "image", None),
        };
        let sources: Vec<_> = sources;
        let alone = sources.len() == 1 && name != "reference_images";
        let mut pictures = Vec::with_capacity(sources.len());
        for (index, source) in sources.iter().enumerate() {
            let argument = if alone { "image".to_owned() } else { format!("{name}[{index}]") };
            pictures.push(input::fetch(context, job, source).await.map_err(|failure| failure.argument(argument))?);
        }
        let mask = match mask {
            Some(mask) => Some(input::fetch(context, job, mask).await.map_err(|failure| failure.argument("mask"))?),
            None => None,
        };
        Ok(Self { pictures, mask })
    }

    fn files(&self) -> Vec<Bytes> {
        self.pictures.iter().map(|input| Bytes::from_owner(input.bytes.clone())).collect()
    }
}

impl<'a> Course<'a> {
    fn context(&self) -> &'a Arc<Context> {
        self.account.context
    }

    async fn run(&mut self, hold: &Hold) -> Result<Outcome, Failure> {
        match self.make(hold).await {
            Ok(generated) => Ok(Outcome::Generated(Box::new(generated))),
            Err(failure) => {
                self.close(&failure).await?;
                Err(failure)
            }
        }
    }

    /// Writes what is owed after a failure.
    async fn close(&self, failure: &Failure) -> Result<(), Failure> {
        if let Some(made) = self.made {
            self.account.settle(made + self.looked).await?;
            return Ok(());
        }
        // What may have been made stays charged at its estimate.
        if failure.kind == FailureKind::OutcomeUnknown || (self.sent && failure.kind == FailureKind::Cancelled) {
            return Ok(());
        }
        // A job that comes back must be able to ask.
        let comes_back = failure.kind == FailureKind::Unavailable;
        if self.looked == Usd::default() || comes_back {
            self.account.release().await?;
        } else {
            self.account.settle(self.looked).await?;
        }
        Ok(())
    }

    async fn make(&mut self, hold: &Hold) -> Result<Generated, Failure> {
        let inputs = Inputs::fetch(self.context(), self.account.job, &self.asked.task).await?;
        let mask = self.mask(&inputs).await?;
        let (prompt, mut applied) = self.prompt(&inputs, mask.is_some()).await?;
        let made = self.ask(&prompt, &inputs, mask).await?;
        let cost = made.cost;
        self.made = Some(cost.unwrap_or_default());
        let (mut images, mut bytes) = (Vec::new(), Vec::new());
        for (index, image) in made.images.iter().enumerate() {
            images.push(self.store(&inputs, &prompt, &made, index, image).await?);
            bytes.push(image.clone());
        }
        let after = self.look_again(&inputs, &prompt, &bytes).await;
        let cost = cost.map(|cost| cost + self.looked);
        self.account.settle(cost.unwrap_or(self.looked)).await?;
        for (image, description) in images.iter_mut().zip(&after.descriptions) {
            if let Some(by_model) = &mut image.by_model {
                by_model.description = Some(description.clone());
                by_model.cost = cost;
            }
            self.context().stores.images.put_paid(image).await?;
        }
        applied.push(format!("{} made {}", made.model, counted(images.len())));
        applied.extend(after.applied);
        let preview = self.preview(&bytes).await?;
        let (descriptions, mut warnings) = (after.descriptions, after.warnings);
        let saved_to = self.save(&inputs, &images, bytes, hold, &mut warnings).await;
        let told = (prompt != words::said(&self.asked.task)).then_some(prompt);
        let Made { model, model_note, ignored, request_id, .. } = made;
        let bill = Bill { model, model_note, cost, request_id };
        Ok(Generated { images, descriptions, prompt: told, applied, ignored, warnings, bill, preview, saved_to })
    }

    /// Where the picture may change, from boxes or a picture.
    async fn mask(&self, inputs: &Inputs) -> Result<Option<Bytes>, Failure> {
        let Task::Edit { regions, .. } = &self.asked.task else { return Ok(None) };
        if let Some(mask) = &inputs.mask {
            return Ok(Some(Bytes::from_owner(mask.bytes.clone())));
        }
        let (Some(first), false) = (inputs.pictures.first(), regions.is_empty()) else { return Ok(None) };
        let (bytes, regions) = (first.bytes.clone(), regions.clone());
        let made = self
            .context()
            .on_engine(Some(&self.account.job.id), move |engine, stop| engine.mask_of_regions(&bytes, &regions, stop));
        Ok(Some(made.await?.into()))
    }

    /// Asks the model that makes pictures, once.
    async fn ask(&mut self, prompt: &str, inputs: &Inputs, mask: Option<Bytes>) -> Result<Made, Failure> {
        let provider = &self.context().provider;
        let wishes = self.asked.wishes.clone();
        let (progress, tell) = progress::start(self.context(), &self.account.job.id);
        progress.say(format!("asking for {}", counted(usize::from(wishes.count()))));
        self.account.submit().await?;
        self.sent = true;
        let made = if sent_along(&self.asked.task) == 0 {
            let ask = Generate { prompt: prompt.into(), wishes };
            self.account.until_over(provider.generate(&ask, &tell)).await
        } else {
            let preserve = matches!(self.asked.task, Task::Edit { preserve_outside_mask: true, .. });
            let images = inputs.files();
            let ask = Edit { prompt: prompt.into(), wishes, images, mask, preserve_outside_mask: preserve };
            self.account.until_over(provider.edit(&ask, &tell)).await
        };
        drop(tell);
        progress.say("storing".into());
        progress.finish().await;
        made
    }

    /// Keeps one picture, whatever else goes wrong.
    async fn store(
        &self,
        inputs: &Inputs,
        prompt: &str,
        made: &Made,
        index: usize,
        image: &Bytes,
    ) -> Result<ImageRecord, Failure> {
        let (context, job) = (self.context(), self.account.job);
        let bytes = image.clone();
        let probed =
            context.on_engine(None, move |engine, _| engine.probe(&bytes).map(|probe| input::facts(&probe, &bytes)));
        let facts = probed.await.map_err(|failure| {
            tracing::warn!(%failure, "what a model made cannot be read");
            Failure::new(
                FailureKind::OutcomeUnknown,
                "The model answered with something that is no image we can read. It may have been paid for.",
            )
            .next("Ask for png, jpeg or webp, or name another model.")
        })?;
        let stem = words::name(&self.asked.task, inputs.pictures.first().map(|input| input.stem.as_str()));
        let number = if made.images.len() > 1 { format!("-{}", index + 1) } else { String::new() };
        let about = store::Made {
            tool: self.asked.task.tool(),
            index: u32::try_from(index).unwrap_or(u32::MAX),
            name: format!("{stem}{number}.{}", facts.format.extension()),
            recipe: None,
            by_model: Some(ByModel {
                model: made.model.clone(),
                prompt: prompt.into(),
                description: None,
                cost: made.cost,
            }),
        };
        let origin = inputs.pictures.first().filter(|_| words::first(&self.asked.task).is_some());
        let mut wait = Duration::from_secs(1);
        loop {
            // Paid for: a store that is away for a moment, or full, does not take it from us.
            match store::result(context, job, origin, about.clone(), image.to_vec(), &facts).await {
                Ok(record) => return Ok(record),
                Err(error) if wait > LONGEST_WAIT => return Err(error.into()),
                Err(error) => tracing::warn!(%error, "a picture that was paid for cannot be stored yet"),
            }
            tokio::time::sleep(wait).await;
            wait *= 2;
        }
    }

    async fn preview(&self, images: &[Bytes]) -> Result<Option<common::outcome::PreviewRef>, Failure> {
        let (images, kind) = (images.to_vec(), preview_kind(self.asked.show));
        let (context, job) = (self.context(), self.account.job);
        let made = context.on_engine(Some(&job.id), move |engine, stop| {
            let images: Vec<&[u8]> = images.iter().map(AsRef::as_ref).collect();
            engine.sheet(&images, kind, stop)
        });
        // What was paid for is handed on, even if it cannot be shown.
        let preview = made.await.inspect_err(|failure| tracing::warn!(%failure, "no preview"));
        Ok(store::preview(context, job, preview.unwrap_or_default()).await?)
    }

    /// Writes the pictures besides the store. One that cannot be written is in the store all the same.
    async fn save(
        &self,
        inputs: &Inputs,
        images: &[ImageRecord],
        bytes: Vec<Bytes>,
        hold: &Hold,
        warnings: &mut Vec<Warning>,
    ) -> Vec<String> {
        let Some(save_to) = &self.asked.save_to else { return Vec::new() };
        let (mut saved, origin) = (Vec::new(), inputs.pictures.first());
        for (index, (bytes, image)) in bytes.into_iter().zip(images).enumerate() {
            let to = SaveTo { path: numbered(&save_to.path, index), overwrite: save_to.overwrite };
            match store::save(self.context(), self.account.job, origin, &to, bytes.to_vec(), hold).await {
                Ok(path) => saved.push(path),
                Err(failure) => {
                    let message = format!("{} is not written to save_to: {}", image.id, failure.message);
                    warnings.push(Warning::new("not_saved", message));
                }
            }
        }
        saved
    }
}

/// `a.png`, `a-2.png`, `a-3.png` …
fn numbered(path: &str, index: usize) -> String {
    if index == 0 {
        return path.to_owned();
    }
    let name = path.rfind(['/', '\\']).map_or(0, |slash| slash + 1);
    let dot = path.get(name..).and_then(|name| name.rfind('.')).filter(|dot| *dot > 0).map(|dot| name + dot);
    let (stem, ending) = path.split_at(dot.unwrap_or(path.len()));
    format!("{stem}-{}{ending}", index + 1)
}

fn counted(images: usize) -> String {
    if images == 1 { "1 image".into() } else { format!("{images} images") }
}

/// Something to know of what a model saw or did not see.
fn unseen(why: &Failure) -> Warning {
    Warning::new("not_described", format!("No model has looked at the result ({}).", why.kind.code()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn further_files_are_numbered() {
        for (path, second) in [
            ("out/a.png", "out/a-2.png"),
            ("out.d/a", "out.d/a-2"),
            ("C:\\x\\b.webp", "C:\\x\\b-2.webp"),
            (".hidden", ".hidden-2"),
        ] {
            assert_eq!((numbered(path, 0).as_str(), numbered(path, 1).as_str()), (path, second));
        }
    }
}
