//! A peer that offers one key exchange which its clients do not have. The handshake ends before it would be used, so
//! none is implemented.

use rustls::crypto::{ActiveKeyExchange, CryptoProvider, SupportedKxGroup, ring};
use rustls::{Error, NamedGroup};

use crate::behaviour::ForeignKeyExchange;

impl ForeignKeyExchange {
    /// Everything that is usual, but for the key exchange.
    pub(crate) fn provider(self) -> CryptoProvider {
        let group: &'static dyn SupportedKxGroup = match self {
            Self::Secp521r1 => &Unimplemented(NamedGroup::secp521r1),
            Self::X25519MlKem768 => &Unimplemented(NamedGroup::X25519MLKEM768),
        };
        CryptoProvider { kx_groups: vec![group], ..ring::default_provider() }
    }
}

#[derive(Debug)]
struct Unimplemented(NamedGroup);

impl SupportedKxGroup for Unimplemented {
    fn start(&self) -> Result<Box<dyn ActiveKeyExchange>, Error> {
        Err(Error::General("expected a client without this key exchange".into()))
    }

    fn name(&self) -> NamedGroup {
        self.0
    }
}
