//! [`Socket`]: the address of a service, taken before anything else is made: a start that fails because somebody else has
//! it leaves nothing behind.

use std::{io, net::SocketAddr};

use tokio::net::{TcpListener, TcpSocket, lookup_host};

use crate::Error;

/// Connections that wait to be accepted, at the most.
const BACKLOG: u32 = 1024;

/// An address that is ours. Nobody can connect to it yet.
#[derive(Debug)]
pub(crate) struct Socket {
    socket: TcpSocket,
    address: String,
}

impl Socket {
    /// Takes the first address of that host that can be had.
    pub(crate) async fn bind(host: &str, port: u16) -> Result<Self, Error> {
        let address = format!("{host}:{port}");
        match bind_first(host, port).await {
            Ok(socket) => Ok(Self { socket, address }),
            Err(source) => Err(Error::Listen { address, source }),
        }
    }

    /// Lets clients connect.
    pub(crate) fn listen(self) -> Result<(TcpListener, SocketAddr), Error> {
        let listening = self.socket.listen(BACKLOG).and_then(|listener| {
            let address = listener.local_addr()?;
            Ok((listener, address))
        });
        listening.map_err(|source| Error::Listen { address: self.address, source })
    }
}

async fn bind_first(host: &str, port: u16) -> io::Result<TcpSocket> {
    let mut failure = io::Error::new(io::ErrorKind::InvalidInput, "the host has no address");
    for address in lookup_host((host, port)).await? {
        match bind(address) {
            Ok(socket) => return Ok(socket),
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

fn bind(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // Elsewhere than on Windows it lets a service take the port that it has had a moment ago. There it would let two have it.
    #[cfg(not(windows))]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}
