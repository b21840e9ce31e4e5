//! How two pictures differ.

use std::sync::Arc;

use common::{
    Failure,
    comparison::{TextChanges, Verdict},
    job::{Compare, Job, Return},
    outcome::{Compared, Outcome},
};

use super::{Context, input, preview_kind, store};
use crate::{
    engine::{
        Engine, Size, Stop,
        compare::{self, How},
    },
    ocr::{self, Ocr},
};

pub(crate) async fn run(context: &Arc<Context>, job: &Job, asked: &Compare) -> Result<Outcome, Failure> {
    let named = |argument: &'static str| move |failure: Failure| failure.argument(argument);
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
    let (a, b) = (one.bytes.clone(), other.bytes);
    let compared = context.on_engine(Some(&job.id), move |engine, stop| both(engine, ocr.as_ref(), &a, &b, &how, stop));
    let (compared, text) = compared.await?;
    let (mut heat_map, mut preview) = (None, None);
    if let Some(drawing) = compared.drawing {
        let made =
            store::Made { tool: "compare_images", index: 0, name: format!("{}-heat.png", one.stem), recipe: None };
        heat_map = Some(store::result(context, job, &one, made, drawing.bytes, &drawing.facts).await?);
        preview = store::preview(context, job, drawing.preview).await?;
    }
    Ok(Outcome::Compared(Box::new(Compared {
        comparison: compared.comparison,
        heat_map,
        text,
        warnings: compared.warnings,
        preview,
    })))
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
