//! Searching, naming, deleting and counting pictures, whatever store they are in.

use std::time::Duration;

use super::{
    Ancestor, ByModel, ImageRecord, Images, Keeping, Listing, Named, StorageUse,
    tests::{ann, first, ids, image},
};
use crate::{
    Format, ImageId, JobId, StoreError, UserId,
    job::{Inspect, Source, Work},
    queue::Queue,
    test_store::{TestStore, on_every_store},
};

on_every_store!(
    words_are_found_wherever_they_stand,
    lists_are_narrowed_by_tool_format_and_time,
    a_search_goes_on_where_it_stopped,
    a_picture_is_named_by_its_beginning,
    lineage_goes_up_and_down_and_over_gaps,
    what_is_deleted_is_gone_from_everywhere,
    use_is_counted_exactly,
    a_quota_is_never_crossed_but_by_what_is_paid,
    the_oldest_come_first_for_whoever_removes_them,
    what_jobs_need_is_known,
);

async fn put(images: &Images, record: ImageRecord) -> ImageRecord {
    images.put(&record).await.unwrap();
    record
}

async fn words_are_found_wherever_they_stand(store: &TestStore) {
    let images = Images::new(store.store.clone());
    let by_model = ByModel {
        model: "m".into(),
        prompt: "A red FOX in the snow".into(),
        description: Some("Ein Fuchs im Schnee, Übersicht".into()),
        cost: None,
    };
    let fox = put(&images, ImageRecord { name: "fox_1.png".into(), by_model: Some(by_model), ..image("ann", 1) }).await;
    let path = put(&images, ImageRecord { source: Some("/pictures/100%/Snow.jpg".into()), ..image("ann", 2) }).await;
    put(&images, ImageRecord { name: "fox in the snow.png".into(), ..image("ben", 3) }).await;
    let (fox, path) = (fox.id, path.id);
    for (query, found) in [
        ("fox", vec![&fox]),
        ("SNOW", vec![&path, &fox]),
        ("snow red", vec![&fox]),
        ("übersicht", vec![&fox]),
        ("fox blue", vec![]),
        ("100%", vec![&path]),
        ("0%/s", vec![&path]),
        ("%", vec![&path]),
        ("fox_1", vec![&fox]),
        ("_", vec![&fox]),
        ("\\", vec![]),
        ("'", vec![]),
        ("  ", vec![&path, &fox]),
    ] {
        let listing = Listing { words: Listing::words(query), ..first(9) };
        assert_eq!(ids(&images, &listing).await.iter().collect::<Vec<_>>(), found, "{query}");
    }
    // Written again, it is found by what it is now.
    let renamed = ImageRecord { name: "wolf.png".into(), ..images.any(&fox).await.unwrap().unwrap() };
    images.put(&renamed).await.unwrap();
    assert_eq!(ids(&images, &Listing { words: Listing::words("wolf"), ..first(9) }).await, [fox]);
    assert!(ids(&images, &Listing { words: Listing::words("fox_1"), ..first(9) }).await.is_empty());
}

async fn lists_are_narrowed_by_tool_format_and_time(store: &TestStore) {
    let images = Images::new(store.store.clone());
    let png = put(&images, image("ann", 10)).await;
    let mut jpeg = ImageRecord { tool: "edit_image".into(), ..image("ann", 20) };
    jpeg.facts.format = Format::Jpeg;
    let jpeg = put(&images, jpeg).await;
    let all = [jpeg.id.clone(), png.id.clone()];
    let found = async |listing: Listing| ids(&images, &Listing { limit: 9, ..listing }).await;
    assert_eq!(found(Listing { tool: Some("edit_image".into()), ..Listing::default() }).await, all[..1]);
    assert_eq!(found(Listing { format: Some(Format::Png), ..Listing::default() }).await, all[1..]);
    for (since, until, wanted) in [
        (Some(10), None, &all[..]),
        (Some(11), None, &all[..1]),
        (Some(21), None, &[]),
        (None, Some(20), &all[..]),
        (None, Some(19), &all[1..]),
        (Some(10), Some(10), &all[1..]),
        (Some(-5), Some(9), &[]),
    ] {
        assert_eq!(found(Listing { since, until, ..Listing::default() }).await, wanted, "{since:?} {until:?}");
    }
    let before = Listing { before: Some(jpeg.id.clone()), until: Some(20), ..Listing::default() };
    assert_eq!(found(before).await, all[1..]);
}

async fn a_search_goes_on_where_it_stopped(store: &TestStore) {
    let images = Images::new(store.store.clone());
    for at in 0..450 {
        let name = if at % 100 == 7 { "rare.png" } else { "usual.png" };
        put(&images, ImageRecord { name: name.into(), ..image("ann", at) }).await;
    }
    let rare = Listing { words: Listing::words("rare"), ..first(2) };
    let one = images.search(&ann(), &rare).await.unwrap();
    assert_eq!(one.records.iter().map(|record| record.created_at).collect::<Vec<_>>(), [407, 307]);
    let rest = Listing { before: Some(one.records[1].id.clone()), limit: 9, ..rare };
    let rest = images.search(&ann(), &rest).await.unwrap();
    assert_eq!(rest.records.iter().map(|record| record.created_at).collect::<Vec<_>>(), [207, 107, 7]);
    assert_eq!((one.looked_until, rest.looked_until), (None, None));
}

fn id(letters: &str) -> ImageId {
    ImageId::parse(&format!("img_{letters}")).unwrap()
}

async fn a_picture_is_named_by_its_beginning(store: &TestStore) {
    let images = Images::new(store.store.clone());
    let (one, other, alone) = (id("abcdef0000000001"), id("abcdef0000000002"), id("zzzzzz0000000000"));
    for id in [&one, &other, &alone] {
        put(&images, ImageRecord { id: id.clone(), ..image("ann", 1) }).await;
    }
    put(&images, ImageRecord { id: id("zzzzzz0000000009"), ..image("ben", 1) }).await;
    let named = async |text: &str| images.named(&ann(), text).await.unwrap();
    for text in ["img_zzzzzz", " IMG_ZZZZZZ00 ", alone.as_str(), alone.short()] {
        assert_eq!(named(text).await, Named::One(alone.clone()), "{text}");
    }
    assert_eq!(named("img_abcdef").await, Named::Several(vec![one.clone(), other.clone()]));
    assert_eq!(named(one.as_str()).await, Named::One(one.clone()));
    // Too short, nearly right, and nothing like it.
    assert_eq!(named("img_zzzzz").await, Named::None(vec![alone.clone()]));
    assert_eq!(named("img_zzzzxz0000000000").await, Named::None(vec![alone.clone()]));
    assert_eq!(named("img_zzzzzz0000000009").await, Named::None(vec![alone.clone()]), "somebody else's is none");
    for text in ["img_qqqqqq", "img_%%%%%%", "img_", "", "abcdef", "img_zzzzzz*"] {
        assert!(!matches!(named(text).await, Named::One(_) | Named::Several(_)), "{text}");
    }
    images.delete(&ann(), &other).await.unwrap();
    assert_eq!(named("img_abcdef").await, Named::One(one));
}

async fn lineage_goes_up_and_down_and_over_gaps(store: &TestStore) {
    let images = Images::new(store.store.clone());
    let grandparent = put(&images, image("ann", 1)).await;
    let child_of = |parent: &ImageRecord, at| ImageRecord { parent: Some(parent.id.clone()), ..image("ann", at) };
    let parent = put(&images, child_of(&grandparent, 2)).await;
    let picture = put(&images, child_of(&parent, 3)).await;
    let (younger, older) = (put(&images, child_of(&picture, 5)).await, put(&images, child_of(&picture, 4)).await);
    put(&images, ImageRecord { owner: UserId("ben".into()), ..child_of(&picture, 6) }).await;
    let names = |ancestors: &[Ancestor]| -> Vec<(ImageId, bool)> {
        let name = |ancestor: &Ancestor| match ancestor {
            Ancestor::Kept(record) => (record.id.clone(), true),
            Ancestor::Gone(id) => (id.clone(), false),
        };
        ancestors.iter().map(name).collect()
    };
    let lineage = images.lineage(&ann(), &picture).await.unwrap();
    assert_eq!(names(&lineage.ancestors), [(parent.id.clone(), true), (grandparent.id.clone(), true)]);
    let children: Vec<ImageId> = lineage.children.into_iter().map(|record| record.id).collect();
    assert_eq!((children, lineage.more), (vec![younger.id, older.id], false));
    images.delete(&ann(), &parent.id).await.unwrap();
    let lineage = images.lineage(&ann(), &picture).await.unwrap();
    assert_eq!(names(&lineage.ancestors), [(parent.id, false)], "a gap ends the line");
    assert_eq!(lineage.children.len(), 2, "children stay");
    let mut last = picture;
    for at in 10..70 {
        last = put(&images, child_of(&last, at)).await;
    }
    let lineage = images.lineage(&ann(), &last).await.unwrap();
    assert_eq!((lineage.ancestors.len(), lineage.more), (50, true));
}

async fn what_is_deleted_is_gone_from_everywhere(store: &TestStore) {
    let images = Images::new(store.store.clone());
    let (parent, job) = (ImageId::random().unwrap(), JobId::random().unwrap());
    let record = ImageRecord { parent: Some(parent.clone()), job: job.clone(), ..image("ann", 1) };
    put(&images, record.clone()).await;
    let ben = UserId("ben".into());
    assert_eq!(images.delete(&ben, &record.id).await.unwrap(), None, "it is not his");
    assert_eq!(images.delete(&ann(), &record.id).await.unwrap().as_ref(), Some(&record));
    assert_eq!(images.delete(&ann(), &record.id).await.unwrap(), None);
    assert_eq!(images.any(&record.id).await.unwrap(), None);
    for listing in [first(9), Listing { parent: Some(parent), ..first(9) }, Listing { job: Some(job), ..first(9) }] {
        assert!(ids(&images, &listing).await.is_empty(), "{listing:?}");
    }
    assert!(images.made_before(i64::MAX, None, 9).await.unwrap().is_empty());
    assert_eq!(images.named(&ann(), record.id.as_str()).await.unwrap(), Named::None(vec![]));
    // A worker that repeats the job stores it anew, and it counts once.
    put(&images, record.clone()).await;
    assert_eq!(images.used_by(&ann()).await.unwrap().pictures, 1);
}

fn sized(owner: &str, bytes: u64) -> ImageRecord {
    let mut record = image(owner, 1);
    record.facts.bytes = bytes;
    record
}

async fn use_is_counted_exactly(store: &TestStore) {
    let images = Images::new(store.store.clone());
    let used = async |owner: &str| images.used_by(&UserId(owner.into())).await.unwrap();
    let sum = |bytes, pictures| StorageUse { bytes, pictures };
    assert_eq!(used("ann").await, sum(0, 0));
    let (huge, mut small) = (sized("ann", 5_000_000_000_000), sized("ann", 7));
    put(&images, huge.clone()).await;
    put(&images, small.clone()).await;
    put(&images, sized("ben", 1)).await;
    assert_eq!(used("ann").await, sum(5_000_000_000_007, 2));
    // Written again, larger and smaller, and as it was.
    for bytes in [9, 3, 3] {
        small.facts.bytes = bytes;
        put(&images, small.clone()).await;
        assert_eq!(used("ann").await, sum(5_000_000_000_000 + bytes, 2));
    }
    for _ in 0..2 {
        images.delete(&ann(), &huge.id).await.unwrap();
        assert_eq!(used("ann").await, sum(3, 1));
    }
    // Many at once.
    let puts = (0..40).map(|_| {
        let images = images.clone();
        async move {
            let record = put(&images, sized("ann", 10)).await;
            if record.id.as_str().len() % 2 == 0 {
                images.delete(&ann(), &record.id).await.unwrap();
                put(&images, record).await;
            }
        }
    });
    futures::future::join_all(puts).await;
    assert_eq!((used("ann").await, used("ben").await), (sum(403, 41), sum(1, 1)));
}

async fn a_quota_is_never_crossed_but_by_what_is_paid(store: &TestStore) {
    let keeping = Keeping { quota: Some(100), for_ms: None };
    let images = Images::new(store.store.clone()).kept_as(keeping);
    images.has_room(&ann()).await.unwrap();
    let results = futures::future::join_all((0..30).map(|_| {
        let images = images.clone();
        async move { images.put(&sized("ann", 10)).await }
    }));
    let results = results.await;
    assert_eq!(
        results.iter().filter(|result| result.is_ok()).count(),
        10,
        "of all at once so many as there is room for"
    );
    for refused in results.into_iter().filter_map(Result::err) {
        assert!(matches!(refused, StoreError::OverQuota { used: 100, most: 100, more: 10 }), "{refused}");
    }
    let full = images.has_room(&ann()).await.unwrap_err();
    let failure = crate::Failure::from(full);
    assert_eq!(failure.kind, crate::FailureKind::StorageFull);
    let text = failure.to_string();
    for part in ["100 of the 100 bytes", "MAX_STORAGE_MB_PER_USER", "delete_image", "list_images"] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert!(!failure.passes(), "waiting does not help");
    images.put(&sized("ben", 100)).await.unwrap();
    let paid = sized("ann", 50);
    images.put_paid(&paid).await.unwrap();
    assert_eq!(images.used_by(&ann()).await.unwrap().bytes, 150);
    // What is there may be written again, and there is room after something went.
    let mut smaller = paid.clone();
    smaller.facts.bytes = 40;
    images.put(&smaller).await.unwrap();
    assert!(images.put(&paid).await.is_err(), "larger again");
    images.delete(&ann(), &paid.id).await.unwrap();
    assert!(images.put(&sized("ann", 1)).await.is_err());
    let one = images.list(&ann(), &first(1)).await.unwrap().remove(0);
    images.delete(&ann(), &one.id).await.unwrap();
    images.put(&sized("ann", 10)).await.unwrap();
    assert!(images.put(&sized("ann", 1)).await.is_err());
}

async fn the_oldest_come_first_for_whoever_removes_them(store: &TestStore) {
    let images = Images::new(store.store.clone());
    let mut every = Vec::new();
    for (owner, at) in [("ann", 9), ("ben", 10), ("ann", 10), ("ann", 100), ("ben", 101)] {
        every.push(put(&images, image(owner, at)).await);
    }
    every.sort_by(|a, b| (a.created_at, &a.id).cmp(&(b.created_at, &b.id)));
    assert_eq!(images.made_before(101, None, 9).await.unwrap(), every[..4]);
    assert_eq!(images.made_before(101, None, 2).await.unwrap(), every[..2]);
    assert_eq!(images.made_before(101, Some(&every[1]), 9).await.unwrap(), every[2..4]);
    assert!(images.made_before(9, None, 9).await.unwrap().is_empty());
    let kept = images.clone().kept_as(Keeping { for_ms: Some(1000), quota: None });
    assert_eq!((kept.expires_at(&every[0]), images.expires_at(&every[0])), (Some(1009), None));
}

async fn what_jobs_need_is_known(store: &TestStore) {
    let queue = Queue::new(store.store.clone(), Duration::from_secs(30));
    let jobs = crate::Jobs::new(store.store.clone(), queue);
    let (stored, sent) = (ImageId::random().unwrap(), ImageId::random().unwrap());
    let inspect = |source| Work::Inspect(Inspect { source, sections: Vec::new(), thumbnail: false });
    let job = jobs.submit(&ann(), inspect(Source::Image(stored.clone()))).await.unwrap().id;
    let ben = UserId("ben".into());
    jobs.submit(&ben, inspect(Source::Inline(sent.clone()))).await.unwrap();
    jobs.submit(&ben, inspect(Source::Path("a.png".into()))).await.unwrap();
    assert_eq!(jobs.images_in_use(&ann()).await.unwrap(), [stored.clone()].into());
    assert_eq!(jobs.images_in_use(&ben).await.unwrap(), [sent.clone()].into());
    assert_eq!(jobs.images_in_use_by_all().await.unwrap(), [stored, sent.clone()].into());
    jobs.cancel(&job).await.unwrap();
    assert!(jobs.images_in_use(&ann()).await.unwrap().is_empty());
    assert_eq!(jobs.images_in_use_by_all().await.unwrap(), [sent].into());
}
