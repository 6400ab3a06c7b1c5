//! [`Port`]: a port for a program that has to be told which.

use std::{
    io,
    net::{Ipv4Addr, TcpListener, UdpSocket},
    ops::Range,
};

/// Below those that operating systems hand out to whoever does not care.
const PORTS: Range<u16> = 20_000..32_768;

/// How many are tried.
const ATTEMPTS: usize = 1_000;

/// A TCP port of this machine for whoever holds this. The UDP port of the same number is what is really held: whoever looks
/// for a port in this way passes over those that are held, also those of other processes. The system gives them back
/// with the process, whatever that dies of.
#[derive(Debug)]
pub(super) struct Port {
    number: u16,
    _claim: UdpSocket,
}

impl Port {
    pub(super) fn claim() -> io::Result<Self> {
        let mut last = None;
        for _ in 0..ATTEMPTS {
            let number = fastrand::u16(PORTS);
            let claim = UdpSocket::bind((Ipv4Addr::LOCALHOST, number));
            // Somebody else may listen, who does not know of claims.
            let free =
                claim.and_then(|claim| TcpListener::bind((Ipv4Addr::LOCALHOST, number)).map(|_| claim));
            match free {
                Ok(claim) => return Ok(Self { number, _claim: claim }),
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or_else(|| io::ErrorKind::AddrInUse.into()))
    }

    pub(super) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_gets_a_port_that_is_held() {
        let held: Vec<_> = (0..200).map(|_| Port::claim().expect("a port")).collect();
        let mut numbers: Vec<_> = held.iter().map(|port| port.number).collect();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), held.len());
    }
}
