//! A host with no more than the contract asks of one, and an instance in it: what the component does by itself shows
//! here, and not what `agentapi-host` adds.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::OnceLock;
use std::task::{Context, Poll};

use agentapi_host::embedded_component;
use agentapi_host::records::{BackupJob, StorageView};
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{Request, Response};
use http_body_util::BodyExt;
use hyper::body::{Body, Bytes, Frame};
use wasmtime::component::{Component, ComponentNamedList, ComponentType, Instance, Lift, Linker, Lower, ResourceTable};
use wasmtime::{Engine, Store, StoreContextMut};
use wasmtime_wasi_http::{
    Error as WasiError, RequestOptions, WasiBody, WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks, WasiHttpView,
};
use wasmtime_wasi_io::IoView;

/// An authority that this host refuses to pin.
pub(crate) const ELSEWHERE: &str = "elsewhere";
/// A fingerprint that this host refuses to pin.
pub(crate) const UNKNOWN: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// The state of the store: what WASI needs, and the host's side of the contract.
struct State {
    table: ResourceTable,
    http: WasiHttpCtx,
    host: MinimalHost,
}

/// Records what the component asks for, and has the same answer to every request.
pub(crate) struct MinimalHost {
    /// Authority and fingerprints of each pin that was accepted.
    pub(crate) pins: Vec<(String, Vec<Vec<u8>>)>,
    /// Method, URI, authorization and content type of each request.
    pub(crate) requests: Vec<String>,
    /// Makes the body of an answer.
    pub(crate) body: fn() -> Chunks,
}

/// A body as a sequence of chunks, of which one may be an error.
pub(crate) struct Chunks(VecDeque<Result<Bytes, WasiError>>);

impl Chunks {
    pub(crate) fn new<const N: usize>(chunks: [Result<Bytes, WasiError>; N]) -> Self {
        Self(chunks.into())
    }
}

impl Body for Chunks {
    type Data = Bytes;
    type Error = WasiError;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, WasiError>>> {
        Poll::Ready(self.0.pop_front().map(|chunk| chunk.map(Frame::data)))
    }
}

/// `refusal` of `felhom:agentapi/pinning`.
#[derive(ComponentType, Lower)]
#[component(variant)]
enum Refusal {
    #[component(name = "authority")]
    Authority(String),
    #[component(name = "fingerprints")]
    Fingerprints(String),
}

/// `error` of `felhom:agentapi/types`.
#[derive(Debug, PartialEq, ComponentType, Lift)]
#[component(variant)]
pub(crate) enum Error {
    #[component(name = "not-connected")]
    NotConnected,
    #[component(name = "invalid-argument")]
    InvalidArgument(String),
    #[component(name = "denied")]
    Denied(String),
    #[component(name = "pin-mismatch")]
    PinMismatch,
    #[component(name = "unreachable")]
    Unreachable(String),
    #[component(name = "tls")]
    Tls(String),
    #[component(name = "interrupted")]
    Interrupted(String),
    #[component(name = "deadline")]
    Deadline(Progress),
    #[component(name = "http-status")]
    HttpStatus(HttpAnswer),
    #[component(name = "response-too-large")]
    ResponseTooLarge(u64),
    #[component(name = "bad-envelope")]
    BadEnvelope(String),
    #[component(name = "agent")]
    Agent(String),
    #[component(name = "decode")]
    Decode(String),
}

/// `http-answer` of `felhom:agentapi/types`.
#[derive(Clone, Debug, PartialEq, ComponentType, Lift)]
#[component(record)]
pub(crate) struct HttpAnswer {
    pub(crate) status: u16,
    pub(crate) text: String,
}

/// `progress` of `felhom:agentapi/types`.
#[derive(Clone, Copy, Debug, PartialEq, ComponentType, Lift)]
#[component(enum)]
#[expect(dead_code, reason = "the component makes these")]
#[repr(u8)]
pub(crate) enum Progress {
    #[component(name = "sending")]
    Sending,
    #[component(name = "waiting")]
    Waiting,
    #[component(name = "receiving")]
    Receiving,
}

impl MinimalHost {
    fn pin(&mut self, authority: String, leaves: Vec<Vec<u8>>) -> Result<(), Refusal> {
        if authority.starts_with(ELSEWHERE) {
            return Err(Refusal::Authority("not there".into()));
        }
        if leaves.contains(&vec![0; 32]) {
            return Err(Refusal::Fingerprints("not those".into()));
        }
        self.pins.push((authority, leaves));
        Ok(())
    }
}

/// The rest of a transmission, after its head.
type TransmissionFuture = Box<dyn Future<Output = Result<(), WasiError>> + Send>;

impl WasiHttpHooks for MinimalHost {
    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        _: Option<RequestOptions>,
        _: TransmissionFuture,
    ) -> Box<dyn Future<Output = Result<(Response<WasiBody>, TransmissionFuture), WasiError>> + Send> {
        let header = |name| request.headers().get(name).map_or("none", |value| value.to_str().unwrap());
        let (token, kind) = (header(AUTHORIZATION), header(CONTENT_TYPE));
        self.requests.push(format!("{} {} {token} {kind}", request.method(), request.uri()));
        let answer = Response::new((self.body)().boxed_unsync());
        Box::new(async {
            request.into_body().collect().await?;
            Ok((answer, Box::new(async { Ok(()) }) as TransmissionFuture))
        })
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { ctx: &mut self.http, table: &mut self.table, hooks: &mut self.host }
    }
}

impl IoView for State {
    fn table(&mut self) -> &mut ResourceTable {
        &mut self.table
    }
}

/// An instance that is not connected yet.
pub(crate) struct Client {
    instance: Instance,
    store: Store<State>,
}

impl Client {
    pub(crate) async fn new(body: fn() -> Chunks) -> Self {
        static COMPILED: OnceLock<(Engine, Component)> = OnceLock::new();
        let (engine, component) = COMPILED.get_or_init(|| {
            let engine = Engine::default();
            let component = Component::new(&engine, embedded_component()).unwrap();
            (engine, component)
        });
        let mut linker = Linker::<State>::new(engine);
        wasmtime_wasi_io::add_to_linker_async(&mut linker).unwrap();
        wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker).unwrap();
        let mut pinning = linker.instance("felhom:agentapi/pinning@0.2.0").unwrap();
        let pin = |mut store: StoreContextMut<'_, State>, (authority, leaves)| {
            Ok((store.data_mut().host.pin(authority, leaves),))
        };
        pinning.func_wrap("pin", pin).unwrap();
        let host = MinimalHost { pins: Vec::new(), requests: Vec::new(), body };
        let mut store = Store::new(engine, State { table: ResourceTable::new(), http: WasiHttpCtx::new(), host });
        let instance = linker.instantiate_async(&mut store, component).await.unwrap();
        Self { instance, store }
    }

    pub(crate) async fn connect(&mut self, endpoint: &str, token: &str, pins: &[&str]) -> Result<(), Error> {
        let (outcome,) = self.call("session", "connect", (endpoint, token, pins)).await;
        outcome
    }

    pub(crate) async fn mounts(&mut self) -> Result<StorageView, Error> {
        let (outcome,) = self.call("storage", "mounts", ()).await;
        outcome
    }

    pub(crate) async fn start_backup(&mut self) -> Result<BackupJob, Error> {
        let (outcome,) = self.call("backup", "start", ()).await;
        outcome
    }

    async fn call<P, R>(&mut self, interface: &str, name: &str, arguments: P) -> R
    where
        P: ComponentNamedList + Lower + Send + Sync,
        R: ComponentNamedList + Lift + Send + Sync + 'static,
    {
        let Self { instance, store } = self;
        let interface = instance.get_export_index(&mut *store, None, &format!("felhom:agentapi/{interface}@0.2.0"));
        let function = instance.get_export_index(&mut *store, interface.as_ref(), name).unwrap();
        let function = instance.get_typed_func::<P, R>(&mut *store, function).unwrap();
        function.call_async(store, arguments).await.unwrap()
    }

    pub(crate) fn host(&self) -> &MinimalHost {
        &self.store.data().host
    }

    pub(crate) fn host_mut(&mut self) -> &mut MinimalHost {
        &mut self.store.data_mut().host
    }
}
