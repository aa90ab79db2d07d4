//! What this machine can do.

use std::io::ErrorKind;
use std::net::{Ipv6Addr, TcpListener};

use rustix::io::Errno;

/// Whether something can listen on `[::1]`.
///
/// # Panics
///
/// If that fails for another reason than that there is no IPv6: no case may be skipped for it.
pub fn has_ipv6() -> bool {
    match TcpListener::bind((Ipv6Addr::LOCALHOST, 0)) {
        Ok(_) => true,
        // The interface has no such address, or the kernel was built or started without IPv6.
        Err(why) if why.kind() == ErrorKind::AddrNotAvailable => false,
        Err(why) if why.raw_os_error() == Some(Errno::AFNOSUPPORT.raw_os_error()) => false,
        Err(why) => panic!("expected to listen on [::1], or that there is no IPv6: {why}"),
    }
}
