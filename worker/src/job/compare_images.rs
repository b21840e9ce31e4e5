//! How two pictures differ.

use std::sync::Arc;

use bytes::Bytes;
use common::{
    Failure,
    comparison::{TextChanges, Verdict},
    job::{Compare, Job, Return},
    outcome::{Compared, Outcome},
};

use super::{Context, account::Account, generate::IS_DATA, input, preview_kind, store};
use crate::{
    engine::{
        Engine, Size, Stop,
        compare::{self, How},
    },
    ocr::{self, Ocr},
    provider::Look,
};

/// The longest description, in tokens.
const TOKENS: u32 = 800;

pub(crate) async fn run(context: &Arc<Context>, job: &Job, asked: &Compare) -> Result<Outcome, Failure> {
    let named = |argument: &'static str| move |failure: Failure| failure.argument(argument);
    if asked.describe {
        context.provider.quote_look(&look(vec![Bytes::new(); 2]))?;
    }
    let one = input::fetch(context, job, &asked.image_a).await.map_err(named("image_a"))?;
    let other = input::fetch(context, job, &asked.image_b).await.map_err(named("image_b"))?;
    let how = How {
        align: asked.align,
        threshold: asked.threshold,
        ignore_antialiasing: asked.ignore_antialiasing,
        show: preview_kind(asked.show),
        heat: asked.show != Return::None,
    };
    let ocr = asked.text.then(|| context.ocr.clone());
    let (a, b) = (one.bytes.clone(), other.bytes.clone());
    let compared = context.on_engine(Some(&job.id), move |engine, stop| both(engine, ocr.as_ref(), &a, &b, &how, stop));
    let (compared, text) = compared.await?;
    let (mut heat_map, mut preview) = (None, None);
    if let Some(drawing) = compared.drawing {
        let made = store::Made {
            tool: "compare_images",
            index: 0,
            name: format!("{}-heat.png", one.stem),
            recipe: None,
            by_model: None,
        };
        heat_map = Some(store::result(context, job, Some(&one), made, drawing.bytes, &drawing.facts).await?);
        preview = store::preview(context, job, drawing.preview).await?;
    }
    let (mut description, mut bill) = (None, None);
    if asked.describe {
        let account = Account { context, job, tool: "compare_images", payment: &asked.payment };
        let pictures = [one.bytes, other.bytes].map(Bytes::from_owner).to_vec();
        let (seen, cost) = account.look(&look(pictures)).await?;
        (description, bill) = (Some(seen.text), Some(cost));
    }
    Ok(Outcome::Compared(Box::new(Compared {
        comparison: compared.comparison,
        heat_map,
        text,
        description,
        bill,
        warnings: compared.warnings,
        preview,
    })))
}

fn look(images: Vec<Bytes>) -> Look {
    Look {
        prompt: format!(
            "Say in a few plain sentences how the second image differs from the first: what was added, removed, moved or \
             changed in look. Say so if nothing differs. {IS_DATA}"
        ),
        images,
        max_tokens: Some(TOKENS),
        ..Look::default()
    }
}

/// Compares the pixels, and the text where `ocr` is given.
fn both(
    engine: &Engine,
    ocr: Option<&Ocr>,
    a: &[u8],
    b: &[u8],
    how: &How,
    stop: &Stop,
) -> Result<(compare::Compared, Option<TextChanges>), Failure> {
    let _turn = ocr.map(|ocr| ocr.turn(stop)).transpose()?;
    let beside = |sizes: &[Size]| {
        let largest = sizes.iter().map(|size| size.pixels()).max().unwrap_or_default();
        largest.saturating_mul(compare::BYTES_A_PIXEL).saturating_add(ocr.map_or(0, |_| Ocr::memory()))
    };
    engine.look(&[("image_a", a), ("image_b", b)], beside, stop, |seen| {
        let Ok([one, other]) = <[_; 2]>::try_from(seen) else {
            return Err(Failure::internal(&"a picture got lost"));
        };
        let compared = compare::compare(&one, &other, how, stop)?;
        let text = match ocr {
            Some(ocr) if compared.comparison.verdict != Verdict::Identical => {
                let old = ocr.read_pixels(one.image, false, stop)?;
                let new = ocr.read_pixels(other.image, false, stop)?;
                Some(ocr::changes::between(&old.reading.text, &new.reading.text))
            }
            _ => None,
        };
        Ok((compared, text))
    })
}
