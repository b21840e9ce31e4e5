//! Whether the server keeps what it is given.

use super::Redis;
use crate::StoreError;

/// The oldest version whose scripts and commands are the ones used here.
const OLDEST: (u32, u32) = (6, 2);

impl Redis {
    /// Refuses a server that is too old, and warns of settings by which it would lose what it was given.
    ///
    /// # Errors
    /// If the server is too old, or cannot be reached.
    pub async fn check(&self) -> Result<(), StoreError> {
        // INFO tells the settings too, and is allowed where a hosted server forbids CONFIG.
        let info: String = redis::cmd("INFO").query_async(&mut self.connection()).await?;
        if let Some(found) = field(&info, "redis_version").filter(|version| is_too_old(version)) {
            return Err(StoreError::RedisTooOld { found: found.to_owned() });
        }
        for complaint in complaints(&info) {
            match complaint {
                Complaint::Wrong(why) => tracing::warn!("REDIS_URL: {why}"),
                Complaint::Unknown(setting) => tracing::info!("REDIS_URL: {setting} of the server cannot be checked"),
            }
        }
        Ok(())
    }

    /// The settings by which the server would lose what it was given, in words.
    ///
    /// # Errors
    /// If it cannot be reached.
    pub async fn concerns(&self) -> Result<Vec<String>, StoreError> {
        let info: String = redis::cmd("INFO").query_async(&mut self.connection()).await?;
        let concerns = complaints(&info).into_iter().map(|complaint| match complaint {
            Complaint::Wrong(why) => why,
            Complaint::Unknown(setting) => format!("{setting} of the server cannot be checked"),
        });
        Ok(concerns.collect())
    }
}

fn field<'a>(info: &'a str, name: &str) -> Option<&'a str> {
    info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
}

/// A version that cannot be read is not called old.
fn is_too_old(version: &str) -> bool {
    let mut parts = version.split('.').map(str::parse::<u32>);
    matches!((parts.next(), parts.next()), (Some(Ok(major)), Some(Ok(minor))) if (major, minor) < OLDEST)
}

#[derive(Debug, Eq, PartialEq)]
enum Complaint {
    Wrong(String),
    Unknown(&'static str),
}

fn complaints(info: &str) -> Vec<Complaint> {
    let policy = match field(info, "maxmemory_policy") {
        Some("noeviction") => None,
        Some(policy) => Some(Complaint::Wrong(format!(
            "the server's maxmemory-policy is {policy}, so it drops jobs and sign-ins when its memory is full; set it \
             to noeviction"
        ))),
        None => Some(Complaint::Unknown("maxmemory-policy")),
    };
    let log = match field(info, "aof_enabled") {
        Some("1") => None,
        Some(_) => Some(Complaint::Wrong(
            "the server's appendonly is no, so it loses what came last when it ends; set it to yes".into(),
        )),
        None => Some(Complaint::Unknown("appendonly")),
    };
    policy.into_iter().chain(log).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redis::test_server::TestServer;

    #[test]
    fn tells_what_would_lose_data() {
        assert!(complaints("maxmemory_policy:noeviction\r\naof_enabled:1\r\n").is_empty());
        let told = complaints("maxmemory_policy:allkeys-lru\r\naof_enabled:0\r\n");
        let texts: Vec<String> = told.iter().map(|complaint| format!("{complaint:?}")).collect();
        assert!(texts[0].contains("maxmemory-policy is allkeys-lru"), "{texts:?}");
        assert!(texts[1].contains("appendonly is no"), "{texts:?}");
        assert_eq!(complaints(""), [Complaint::Unknown("maxmemory-policy"), Complaint::Unknown("appendonly")]);
    }

    #[test]
    fn knows_old_versions() {
        for old in ["5.0.14", "6.0.16"] {
            assert!(is_too_old(old), "{old}");
        }
        for fine in ["6.2.0", "7.0.15", "10.1", "unknown", ""] {
            assert!(!is_too_old(fine), "{fine}");
        }
    }

    #[tokio::test]
    async fn a_real_server_tells_its_settings() {
        let Some(server) = TestServer::start().await else { return };
        server.redis.check().await.unwrap();
        let info: String = redis::cmd("INFO").query_async(&mut server.redis.connection()).await.unwrap();
        assert!(complaints(&info).iter().all(|complaint| matches!(complaint, Complaint::Wrong(_))), "none is unknown");
    }
}
