//! A client component that asks for what it may not have, so that tests can see the host refuse it: the host must not
//! rely on the component to behave.
//!
//! The arguments of harmless operations say what to try:
//!
//! - `session.connect` with two fingerprints: does not call `pin`.
//! - `disks.assign`: sends a request of its own: `options` is the method, `uuid` the scheme, `where` the authority and
//!   `fstype` the path; a method that ends in `!` leaves the authorization out. A header of its own is always there.
//! - `disks.eject`: pins another authority, or with an empty text other fingerprints.
//! - `disks.fs-uuid` and `disks.list`: give away the token that `connect` was given.
//! - `storage.mounts`: computes without end.
//! - `host-metrics.collect`: allocates until there is no more memory, and reports how many mebibytes there were.
//! - `backup.due`: traps.
#![cfg_attr(target_arch = "wasm32", no_std)]
#![allow(missing_docs, unreachable_pub, unsafe_code, reason = "generated code crosses the component boundary")]

extern crate alloc;

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;
use core::cell::RefCell;

#[cfg(target_arch = "wasm32")]
use agentapi_component_runtime as _;
use exports::felhom::agentapi::{backup, disks, host_metrics, session, storage};
use felhom::agentapi::pinning;
use felhom::agentapi::types::{
    AssignRequest, BackupDue, BackupJob, BackupStatus, DiskList, EjectResult, Error, FormatError, FormatRequest,
    FormatResult, HttpAnswer, MetricsView, PendingOp, StorageView,
};
use wasi::http::outgoing_handler;
use wasi::http::types::{Fields, Method, OutgoingRequest, Scheme};

wit_bindgen::generate!({ world: "agentapi", path: "../../../wit", generate_all });

struct Hostile;

#[cfg(target_arch = "wasm32")]
export!(Hostile);

/// The endpoint and the token that `connect` was given.
struct Credentials(RefCell<(String, String)>);

// SAFETY: a component has one thread.
unsafe impl Sync for Credentials {}

static CREDENTIALS: Credentials = Credentials(RefCell::new((String::new(), String::new())));

impl session::Guest for Hostile {
    fn connect(endpoint: String, token: String, fingerprints: Vec<String>) -> Result<(), Error> {
        let pins: Vec<Vec<u8>> = fingerprints.iter().map(|text| fingerprint_bytes(text)).collect();
        if pins.len() < 2 {
            pinning::pin(&endpoint, &pins).map_err(|_| Error::PinMismatch)?;
        }
        *CREDENTIALS.0.borrow_mut() = (endpoint, token);
        Ok(())
    }
}

impl disks::Guest for Hostile {
    fn list() -> Result<DiskList, Error> {
        Err(Error::Agent(format!("the token is {}", CREDENTIALS.0.borrow().1)))
    }

    fn assign(request: AssignRequest) -> Result<(), Error> {
        let (endpoint, token) = CREDENTIALS.0.borrow().clone();
        let mut headers = vec![("x-more".to_string(), b"1".to_vec())];
        let method = request.options.strip_suffix('!').unwrap_or_else(|| {
            headers.push(("authorization".to_string(), format!("Bearer {token}").into_bytes()));
            &request.options
        });
        let outgoing = OutgoingRequest::new(Fields::from_list(&headers).map_err(|_| Error::NotConnected)?);
        let authority = if request.mount_path.is_empty() { endpoint } else { request.mount_path };
        let scheme = match &*request.uuid {
            "https" => Scheme::Https,
            "http" => Scheme::Http,
            other => Scheme::Other(other.to_string()),
        };
        let _ = outgoing.set_method(&Method::Other(method.to_string()));
        let _ = outgoing.set_scheme(Some(&scheme));
        let _ = outgoing.set_authority(Some(&authority));
        let _ = outgoing.set_path_with_query(Some(&request.fstype));
        let response = match outgoing_handler::handle(outgoing, None) {
            Ok(response) => response,
            Err(code) => return Err(Error::Agent(format!("{code:?}"))),
        };
        response.subscribe().block();
        match response.get() {
            Some(Ok(Ok(answer))) => Err(Error::HttpStatus(HttpAnswer { status: answer.status(), text: String::new() })),
            Some(Ok(Err(wasi::http::types::ErrorCode::HttpRequestDenied))) => Err(Error::Denied(String::new())),
            other => Err(Error::Agent(format!("{other:?}"))),
        }
    }

    fn eject(mount_path: String) -> Result<EjectResult, Error> {
        let (endpoint, _) = CREDENTIALS.0.borrow().clone();
        let authority = if mount_path.is_empty() { endpoint } else { mount_path };
        match pinning::pin(&authority, &[vec![0; 32]]) {
            Ok(()) => Err(Error::NotConnected),
            Err(refusal) => Err(Error::Agent(format!("{refusal:?}"))),
        }
    }

    fn format(_: FormatRequest) -> Result<FormatResult, FormatError> {
        Err(FormatError::Failed(Error::NotConnected))
    }

    fn fs_uuid(_: String) -> Option<String> {
        Some(CREDENTIALS.0.borrow().1.clone())
    }

    fn opsign_command(_: PendingOp) -> Result<String, Error> {
        Err(Error::NotConnected)
    }
}

impl storage::Guest for Hostile {
    fn mounts() -> Result<StorageView, Error> {
        let mut count = 0_u64;
        loop {
            // Without the black box the optimiser removes a loop that has no effect.
            count = core::hint::black_box(count.wrapping_add(1));
        }
    }
}

impl backup::Guest for Hostile {
    fn due() -> Result<BackupDue, Error> {
        panic!("as asked")
    }

    fn start() -> Result<BackupJob, Error> {
        Err(Error::NotConnected)
    }

    fn status() -> Result<BackupStatus, Error> {
        Err(Error::NotConnected)
    }
}

impl host_metrics::Guest for Hostile {
    fn collect() -> Result<MetricsView, Error> {
        let mut taken: Vec<Vec<u8>> = Vec::new();
        loop {
            let mut more = Vec::new();
            if more.try_reserve_exact(1024 * 1024).is_err() {
                return Err(Error::ResponseTooLarge(taken.len() as u64));
            }
            taken.push(core::hint::black_box(more));
        }
    }
}

/// The bytes of a fingerprint, whatever else is in the text: parsing it rightly is not this component's business.
fn fingerprint_bytes(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    let value = |digit: u8| char::from(digit).to_digit(16).unwrap_or_default() as u8;
    digits.chunks(2).map(|pair| pair.iter().fold(0, |byte, &digit| byte * 16 + value(digit))).collect()
}
