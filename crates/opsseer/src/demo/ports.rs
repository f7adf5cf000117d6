//! Ports on loopback: the usual one, or a free one when that is taken.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

/// A port that is kept until the program that wants it is about to start.
#[derive(Debug)]
pub struct Port {
    listener: TcpListener,
    address: SocketAddr,
    usual: u16,
}

impl Port {
    /// Takes `usual` on loopback, or any free port if somebody else has it.
    pub fn take(usual: u16) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, usual))
            .or_else(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))?;
        Ok(Self { address: listener.local_addr()?, listener, usual })
    }

    /// Where the program will listen.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The usual port, if this is another one.
    pub fn instead_of(&self) -> Option<u16> {
        (self.address.port() != self.usual).then_some(self.usual)
    }

    /// Lets go of it, for its program to take.
    pub fn release(self) {
        drop(self.listener);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_gives_another_and_says_so() {
        let free = Port::take(0).expect("a port").address().port();
        let usual = Port::take(free).expect("a port");
        assert_eq!((usual.address().port(), usual.instead_of()), (free, None));
        let other = Port::take(free).expect("a port");
        assert_ne!(other.address().port(), free);
        assert_eq!(other.instead_of(), Some(free));
        usual.release();
        assert_eq!(Port::take(free).expect("a port").instead_of(), None);
    }
}
