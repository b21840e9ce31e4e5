//! What is kept of a job beside its record, by key. One list, so that all of it goes with the record.

use serde::{Deserialize, Serialize};

use crate::{ImageId, JobId};

/// Pictures on one contact sheet.
pub const ON_A_SHEET: u32 = 48;

/// The picture that a reply shows.
#[must_use]
pub fn preview(job: &JobId) -> String {
    format!("{job}.preview")
}

/// `manifest.jsonl` of a batch.
#[must_use]
pub fn manifest(job: &JobId) -> String {
    format!("{job}.manifest.jsonl")
}

/// `report.csv` of a batch.
#[must_use]
pub fn report(job: &JobId) -> String {
    format!("{job}.report.csv")
}

/// What stands in the zip of a batch: a line of JSON for each [`Entry`].
#[must_use]
pub fn contents(job: &JobId) -> String {
    format!("{job}.contents.jsonl")
}

/// A contact sheet of a batch; they count from 1.
#[must_use]
pub fn sheet(job: &JobId, number: u32) -> String {
    format!("{job}.{}", sheet_name(number))
}

/// A contact sheet as people see it: `contact-001.jpg`.
#[must_use]
pub fn sheet_name(number: u32) -> String {
    format!("contact-{number:03}.jpg")
}

/// Every key that a job of so many pictures may have.
pub fn all(job: &JobId, pictures: u64) -> impl Iterator<Item = String> {
    let sheets = u32::try_from(pictures.div_ceil(ON_A_SHEET.into())).unwrap_or(u32::MAX);
    [preview(job), manifest(job), report(job), contents(job)]
        .into_iter()
        .chain((1..=sheets).map(move |number| sheet(job, number)))
}

/// A file in the zip of a batch. Its length and sum are known beforehand, so that the archive is streamed with a
/// length, and in parts.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Entry {
    /// The name in the archive; there is no other like it.
    pub name: String,
    /// The key of its bytes.
    pub blob: String,
    /// The image that it is, for those that are: somebody may have deleted it since.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<ImageId>,
    /// Bytes.
    pub length: u64,
    /// CRC-32 of the bytes.
    pub crc32: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_has_every_sheet() {
        let job = JobId::random().unwrap();
        for (pictures, sheets) in [(0, 0), (1, 1), (48, 1), (49, 2), (48_001, 1001)] {
            let keys: Vec<String> = all(&job, pictures).collect();
            assert_eq!(keys.len(), 4 + sheets);
            assert!((1..=sheets as u32).all(|number| keys.contains(&sheet(&job, number))));
        }
        assert_eq!((sheet_name(1).as_str(), sheet_name(1001).as_str()), ("contact-001.jpg", "contact-1001.jpg"));
    }
}
