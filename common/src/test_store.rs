//! The stores that conformance tests run on: what one does, the other does too.

use crate::{Clock, Db, Store, redis::test_server::TestServer};

pub(crate) struct TestStore {
    pub(crate) store: Store,
    pub(crate) clock: Clock,
    _folder: Option<tempfile::TempDir>,
    _server: Option<TestServer>,
}

impl TestStore {
    pub(crate) async fn sqlite() -> Option<Self> {
        let (folder, clock) = (tempfile::tempdir().unwrap(), Clock::default());
        let store = Db::open(folder.path(), clock.clone()).await.unwrap().into();
        Some(Self { store, clock, _folder: Some(folder), _server: None })
    }

    /// `None` where there is no Redis server.
    pub(crate) async fn redis() -> Option<Self> {
        let server = TestServer::start().await?;
        let (store, clock) = (server.redis.clone().into(), server.clock.clone());
        Some(Self { store, clock, _folder: None, _server: Some(server) })
    }
}

/// Makes of each function a test on SQLite and one on Redis. It gets a [`TestStore`], or what can be made from one.
macro_rules! on_every_store {
    ($($name:ident),+ $(,)?) => {
        crate::test_store::on_every_store!(@ sqlite $($name)+);
        crate::test_store::on_every_store!(@ redis $($name)+);
    };
    (@ $store:ident $($name:ident)+) => {
        mod $store {
            $(
                #[tokio::test]
                async fn $name() {
                    let Some(store) = crate::test_store::TestStore::$store().await else { return };
                    super::$name(&store.into()).await;
                }
            )+
        }
    };
}
pub(crate) use on_every_store;
