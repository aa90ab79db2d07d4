//! Which of a name's addresses is connected to: the first that answers (RFC 8305, "happy eyeballs").
//!
//! An address that does not answer, such as an IPv6 address without a route, must not take the others' time: after a
//! quarter of a second the next one is tried beside it, and the first connection wins. Only TCP is raced. The winner
//! still has to pass the pin before a byte of a request is sent, and no second one is tried if it does not.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// How long an address is tried alone before the next one joins it. Source: RFC 8305, section 5, the recommended value.
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// Connects to the first of these addresses that answers. It does not give up by itself: where some address neither
/// answers nor refuses, the caller's deadline ends it.
pub(super) async fn connect_first(addresses: Vec<SocketAddr>) -> io::Result<TcpStream> {
    let mut untried = interleave(addresses).into_iter();
    // Dropping it aborts the attempts that have not won.
    let mut attempts = JoinSet::new();
    let mut failure = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    loop {
        if let Some(address) = untried.next() {
            attempts.spawn(TcpStream::connect(address));
        }
        let alone = if untried.len() > 0 { ATTEMPT_DELAY } else { Duration::MAX };
        match timeout(alone, attempts.join_next()).await {
            Ok(Some(Ok(Ok(connected)))) => return Ok(connected),
            // An address that refuses is followed by the next one at once.
            Ok(Some(Ok(Err(why)))) => failure = why,
            Ok(Some(Err(aborted))) => failure = io::Error::other(aborted),
            Ok(None) => return Err(failure),
            Err(_) => {}
        }
    }
}

/// The resolver's order, which prefers what has a route (RFC 6724), with the families by turns: where one family does
/// not work at all, the second attempt is already of the other (RFC 8305, section 4).
fn interleave(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let is_ipv6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (preferred, other): (Vec<_>, Vec<_>) = addresses.into_iter().partition(|address| address.is_ipv6() == is_ipv6);
    let (mut preferred, mut other) = (preferred.into_iter(), other.into_iter());
    let mut interleaved = Vec::with_capacity(preferred.len() + other.len());
    while preferred.len() + other.len() > 0 {
        interleaved.extend(preferred.next());
        interleaved.extend(other.next());
    }
    interleaved
}

#[cfg(test)]
mod tests {
    use tokio::net::{TcpListener, TcpSocket};
    use tokio::time::Instant;

    use super::{ATTEMPT_DELAY, Duration, SocketAddr, TcpStream, connect_first, interleave, io, timeout};

    /// An address that does not answer: the kernel drops what comes to a listener whose backlog is full.
    struct BlackHole {
        address: SocketAddr,
        _held: (TcpListener, Vec<TcpStream>),
    }

    impl BlackHole {
        async fn new(ip: &str) -> io::Result<Self> {
            let address = SocketAddr::new(ip.parse().unwrap(), 0);
            let socket = if address.is_ipv6() { TcpSocket::new_v6()? } else { TcpSocket::new_v4()? };
            socket.bind(address)?;
            let listener = socket.listen(1)?;
            let address = listener.local_addr()?;
            let mut queued = Vec::new();
            while let Ok(connected) = timeout(Duration::from_millis(500), TcpStream::connect(address)).await {
                queued.push(connected?);
            }
            Ok(Self { address, _held: (listener, queued) })
        }
    }

    /// An address at which nobody listens, and its socket, so that nobody else does.
    fn refusing() -> (SocketAddr, TcpSocket) {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        (socket.local_addr().unwrap(), socket)
    }

    #[tokio::test]
    async fn black_holes_cost_a_quarter_of_a_second_each() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let holes = [BlackHole::new("127.0.0.1").await.unwrap(), BlackHole::new("127.0.0.2").await.unwrap()];
        let started = Instant::now();
        let connected = connect_first(vec![holes[0].address, holes[1].address, address]).await.unwrap();
        let took = started.elapsed();
        assert_eq!(connected.peer_addr().unwrap(), address);
        assert!(took >= ATTEMPT_DELAY * 2, "{took:?}");
        // A kernel sends its first SYN again after a second: without the race, no address would be given up earlier.
        assert!(took < ATTEMPT_DELAY * 16, "{took:?}");
    }

    #[tokio::test]
    async fn an_address_that_refuses_costs_no_time_and_the_last_refusal_is_the_error() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (refused, _held) = refusing();
        let started = Instant::now();
        // Ten delays would be 2.5 s.
        let connected = connect_first([vec![refused; 10], vec![address]].concat()).await.unwrap();
        assert_eq!(connected.peer_addr().unwrap(), address);
        assert!(started.elapsed() < ATTEMPT_DELAY * 9, "{:?}", started.elapsed());
        let error = connect_first(vec![refused; 3]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
        assert_eq!(connect_first(Vec::new()).await.unwrap_err().to_string(), "the name has no address");
    }

    #[tokio::test]
    async fn an_attempt_that_lost_is_given_up() {
        let listeners =
            [TcpListener::bind("127.0.0.1:0").await.unwrap(), TcpListener::bind("127.0.0.2:0").await.unwrap()];
        let addresses = listeners.each_ref().map(|listener| listener.local_addr().unwrap());
        let hole = BlackHole::new("127.0.0.3").await.unwrap();
        let before = tokio::runtime::Handle::current().metrics().num_alive_tasks();
        let connected = connect_first(vec![hole.address, addresses[0], addresses[1]]).await.unwrap();
        assert_eq!(connected.peer_addr().unwrap(), addresses[0]);
        tokio::task::yield_now().await;
        assert_eq!(tokio::runtime::Handle::current().metrics().num_alive_tasks(), before);
        assert!(timeout(ATTEMPT_DELAY * 2, listeners[1].accept()).await.is_err(), "the third address was tried too");
    }

    #[test]
    fn families_take_turns_and_the_first_stays_the_first() {
        let order = |addresses: &[&str]| {
            let addresses = addresses.iter().map(|text| SocketAddr::new(text.parse().unwrap(), 1)).collect();
            interleave(addresses).iter().map(|address| address.ip().to_string()).collect::<Vec<_>>()
        };
        assert_eq!(order(&["::1", "::2", "::3", "1.1.1.1", "2.2.2.2"]), ["::1", "1.1.1.1", "::2", "2.2.2.2", "::3"]);
        assert_eq!(order(&["1.1.1.1", "2.2.2.2", "::1"]), ["1.1.1.1", "::1", "2.2.2.2"]);
        assert_eq!(order(&["1.1.1.1"]), ["1.1.1.1"]);
        assert!(order(&[]).is_empty());
    }
}
