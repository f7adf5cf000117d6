//! A network that swallows what is sent: no answer, no reset.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use opsseer_store::{Store, StoreConfig};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::timeout,
};

use crate::world::{World, no_follow_ups, open_incident};

/// Passes connections on to PostgreSQL. Those of an older generation than the present one are swallowed.
async fn swallowing_proxy(server: SocketAddr, generation: Arc<AtomicUsize>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let born = generation.load(Ordering::SeqCst);
            let upstream = TcpStream::connect(server).await.unwrap();
            let (from_client, to_client) = client.into_split();
            let (from_server, to_server) = upstream.into_split();
            tokio::spawn(pass(from_client, to_server, born, generation.clone()));
            tokio::spawn(pass(from_server, to_client, born, generation.clone()));
        }
    });
    address
}

async fn pass(
    mut from: impl AsyncReadExt + Unpin,
    mut to: impl AsyncWriteExt + Unpin,
    born: usize,
    generation: Arc<AtomicUsize>,
) {
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        if generation.load(Ordering::SeqCst) != born {
            // Swallowed; and neither end hears that it is over.
            std::future::pending::<()>().await;
        }
        if to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}

#[tokio::test]
async fn a_store_whose_connections_were_swallowed_says_so_in_time_and_goes_on_with_new_ones() {
    let world = World::new().await;
    let config = world.config();
    let Some((credentials, place)) =
        config.url.strip_prefix("postgres://").and_then(|url| url.split_once('@'))
    else {
        // SQLite has no network.
        return;
    };
    let (server, database) = place.split_once('/').unwrap();
    let generation = Arc::new(AtomicUsize::new(0));
    let proxy = swallowing_proxy(server.parse().unwrap(), generation.clone()).await;
    let url = format!("postgres://{credentials}@{proxy}/{database}");
    let config = StoreConfig { url, readers: 1, timeout: Duration::from_secs(1), ..config };
    let store = Store::open(config, world.clock.clone(), no_follow_ups).await.unwrap();
    let before = open_incident(&store, "db").await;
    generation.fetch_add(1, Ordering::SeqCst);
    let working_again = async {
        // Each failure is an answer, too; none of these waits for TCP to give up.
        while store.count_unresolved().await.is_err() {}
        while store.begin().await.is_err() {}
        open_incident(&store, "web").await
    };
    let after = timeout(Duration::from_mins(1), working_again).await.expect("it must not hang");
    assert_eq!(after.number.0, before.number.0 + 1);
}
