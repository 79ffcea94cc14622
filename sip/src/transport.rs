//! Where a message comes from and goes to.

use std::net::SocketAddr;

/// How it travels. There is no TLS: a trunk that asks for it is refused where it is set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transport {
    Udp,
    Tcp,
}

impl Transport {
    /// As in `Via`.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Udp => "UDP",
            Self::Tcp => "TCP",
        }
    }

    /// Whether what is sent may be lost: then it is sent again.
    pub(crate) const fn is_lossy(self) -> bool {
        matches!(self, Self::Udp)
    }
}

/// A way to somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Flow {
    pub transport: Transport,
    pub peer: SocketAddr,
}
