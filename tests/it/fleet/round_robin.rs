//! The address that many web programs have in common: each connection goes to the next of them.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

pub(crate) struct RoundRobin {
    pub(crate) url: String,
    listener: Option<TcpListener>,
    serving: Option<JoinHandle<()>>,
}

impl RoundRobin {
    /// Takes an address, which the programs behind it must know before they start.
    pub(crate) async fn bind() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        Self { url, listener: Some(listener), serving: None }
    }

    /// Leads to the programs at `urls`, in turn.
    pub(crate) fn lead_to(&mut self, urls: &[&str]) {
        let listener = self.listener.take().unwrap();
        let backends: Vec<String> = urls.iter().map(|url| url.trim_start_matches("http://").to_owned()).collect();
        let next = Arc::new(AtomicUsize::new(0));
        self.serving = Some(tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let backend = backends[next.fetch_add(1, Ordering::Relaxed) % backends.len()].clone();
                tokio::spawn(async move {
                    if let Ok(mut server) = TcpStream::connect(backend).await {
                        let _ = copy_bidirectional(&mut client, &mut server).await;
                    }
                });
            }
        }));
    }
}

impl Drop for RoundRobin {
    fn drop(&mut self) {
        if let Some(serving) = &self.serving {
            serving.abort();
        }
    }
}
