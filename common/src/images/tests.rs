//! What the records must do, whatever store they are in.

use serde_json::json;

use super::{ImageRecord, Images, Listing};
use crate::{
    ImageId, JobId, UserId,
    test_store::{TestStore, on_every_store},
};

on_every_store!(
    a_record_comes_back_as_it_was,
    somebody_elses_looks_like_none,
    written_again_it_keeps_its_time,
    newest_come_first_and_ties_go_by_id,
    those_of_a_parent_or_a_job,
    long_lists_go_on_from_any_picture,
);

pub(super) fn ann() -> UserId {
    UserId("ann".into())
}

pub(super) fn image(owner: &str, created_at: i64) -> ImageRecord {
    let facts = json!({
        "width": 4, "height": 3, "format": "png", "bytes": u64::from(u32::MAX) * 1000, "sha256": "ab", "alpha": false,
        "bit_depth": 8
    });
    ImageRecord {
        id: ImageId::random().unwrap(),
        owner: UserId(owner.into()),
        tool: "upload".into(),
        job: JobId::random().unwrap(),
        parent: None,
        source: None,
        name: "a.png".into(),
        blob: "blob-one".into(),
        recipe: None,
        by_model: None,
        facts: serde_json::from_value(facts).unwrap(),
        created_at,
    }
}

pub(super) fn first(limit: u32) -> Listing {
    Listing { limit, ..Listing::default() }
}

pub(super) async fn ids(images: &Images, listing: &Listing) -> Vec<ImageId> {
    images.list(&ann(), listing).await.unwrap().into_iter().map(|record| record.id).collect()
}

async fn a_record_comes_back_as_it_was(store: &TestStore) {
    let images = Images::new(store.store.clone());
    let recipe = json!({"steps": [{"op": "resize", "width": 10}], "output": {"format": "png"}});
    let full = ImageRecord {
        parent: Some(ImageId::random().unwrap()),
        source: Some("pictures/ä \"b\".png".into()),
        recipe: serde_json::from_value(recipe).ok(),
        ..image("ann", 1_795_000_000_123)
    };
    assert!(full.recipe.is_some());
    for record in [full, image("ann", 1)] {
        assert_eq!(images.any(&record.id).await.unwrap(), None);
        images.put(&record).await.unwrap();
        assert_eq!(images.any(&record.id).await.unwrap(), Some(record));
    }
}

async fn somebody_elses_looks_like_none(store: &TestStore) {
    let images = Images::new(store.store.clone());
    let (hers, his) = (image("ann", 1), image("ben", 2));
    images.put(&hers).await.unwrap();
    images.put(&his).await.unwrap();
    assert_eq!(images.get(&ann(), &his.id).await.unwrap(), None);
    assert_eq!(images.get(&ann(), &hers.id).await.unwrap().as_ref(), Some(&hers));
    assert_eq!(images.any(&his.id).await.unwrap(), Some(his));
    assert_eq!(ids(&images, &first(9)).await, [hers.id]);
}

async fn written_again_it_keeps_its_time(store: &TestStore) {
    let images = Images::new(store.store.clone());
    let (record, newer) = (image("ann", 1), image("ann", 5));
    images.put(&record).await.unwrap();
    images.put(&newer).await.unwrap();
    let mut again = ImageRecord {
        name: "b.png".into(),
        blob: "blob-two".into(),
        tool: "other".into(),
        job: JobId::random().unwrap(),
        parent: Some(newer.id.clone()),
        created_at: 9,
        ..record.clone()
    };
    again.facts.width = 400;
    for name in ["b.png", "c.png"] {
        again.name = name.into();
        images.put(&again).await.unwrap();
        let wanted =
            ImageRecord { name: name.into(), blob: again.blob.clone(), facts: again.facts.clone(), ..record.clone() };
        assert_eq!(images.any(&record.id).await.unwrap(), Some(wanted));
    }
    assert_eq!(ids(&images, &first(9)).await, [newer.id.clone(), record.id]);
    assert!(ids(&images, &Listing { parent: Some(newer.id), ..first(9) }).await.is_empty());
    assert!(ids(&images, &Listing { job: Some(again.job), ..first(9) }).await.is_empty());
}

async fn newest_come_first_and_ties_go_by_id(store: &TestStore) {
    let images = Images::new(store.store.clone());
    // Times of unlike length: their order is that of numbers.
    let mut every: Vec<ImageRecord> = [9, 10, 10, 10, 10, 100].into_iter().map(|at| image("ann", at)).collect();
    for record in &every {
        images.put(record).await.unwrap();
    }
    every.sort_by(|a, b| (b.created_at, &b.id).cmp(&(a.created_at, &a.id)));
    let wanted: Vec<ImageId> = every.into_iter().map(|record| record.id).collect();
    assert_eq!(ids(&images, &first(9)).await, wanted);
    assert_eq!(ids(&images, &first(2)).await, wanted[..2]);
    assert!(ids(&images, &first(0)).await.is_empty());
    for (index, id) in wanted.iter().enumerate() {
        let listing = Listing { before: Some(id.clone()), ..first(2) };
        let end = wanted.len().min(index + 3);
        assert_eq!(ids(&images, &listing).await, wanted[index + 1..end], "after number {index}");
    }
    let unknown = Listing { before: Some(ImageId::random().unwrap()), ..first(9) };
    assert!(ids(&images, &unknown).await.is_empty());
}

async fn those_of_a_parent_or_a_job(store: &TestStore) {
    let images = Images::new(store.store.clone());
    let (parent, job) = (Some(ImageId::random().unwrap()), JobId::random().unwrap());
    let child = ImageRecord { parent: parent.clone(), ..image("ann", 1) };
    let of_job = ImageRecord { job: job.clone(), ..image("ann", 2) };
    let both = ImageRecord { parent: parent.clone(), job: job.clone(), ..image("ann", 3) };
    let foreign = ImageRecord { parent: parent.clone(), job: job.clone(), ..image("ben", 4) };
    for record in [&child, &of_job, &both, &foreign] {
        images.put(record).await.unwrap();
    }
    let by_parent = Listing { parent: parent.clone(), ..first(9) };
    assert_eq!(ids(&images, &by_parent).await, [both.id.clone(), child.id.clone()]);
    assert_eq!(ids(&images, &Listing { limit: 1, ..by_parent.clone() }).await, std::slice::from_ref(&both.id));
    assert_eq!(ids(&images, &Listing { before: Some(foreign.id), ..by_parent.clone() }).await.len(), 2);
    assert_eq!(ids(&images, &Listing { before: Some(of_job.id.clone()), ..by_parent }).await, [child.id]);
    let by_job = Listing { job: Some(job.clone()), ..first(9) };
    assert_eq!(ids(&images, &by_job).await, [both.id.clone(), of_job.id]);
    assert_eq!(ids(&images, &Listing { parent, job: Some(job), ..first(9) }).await, [both.id]);
    assert!(ids(&images, &Listing { job: Some(JobId::random().unwrap()), ..first(9) }).await.is_empty());
}

async fn long_lists_go_on_from_any_picture(store: &TestStore) {
    let images = Images::new(store.store.clone());
    let parent = Some(ImageId::random().unwrap());
    // Most were made in the same millisecond, and every second one belongs to somebody else.
    for n in 0..900 {
        let owner = if n % 2 == 0 { "ann" } else { "ben" };
        let record = ImageRecord { parent: parent.clone(), ..image(owner, 5 + n / 800) };
        images.put(&record).await.unwrap();
    }
    let listing = Listing { parent, ..first(1000) };
    let all = ids(&images, &listing).await;
    assert_eq!(all.len(), 450);
    let mut paged: Vec<ImageId> = Vec::new();
    loop {
        let page = ids(&images, &Listing { before: paged.last().cloned(), limit: 70, ..listing.clone() }).await;
        if page.is_empty() {
            break;
        }
        paged.extend(page);
    }
    assert_eq!(paged, all);
}
